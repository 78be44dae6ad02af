using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>w = s · unit with one s for the whole matrix: a lattice, a trellis, or one of these in turned coordinates.</summary>
/// <param name="units">The weight at s = 1.</param>
/// <param name="freeze">The layer with another s.</param>
internal sealed class TunedScale<T>(Matrix<float> units, float scale, Func<float, Linear> freeze) : TunedForm<T>(units.Rows, units.Columns)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Matrix<T> _units = Widened(units);
    private readonly TunedNumbers<T> _scale = TunedNumbers<T>.Of([scale], TunedKind.Scales);

    public override IEnumerable<TunedNumbers<T>> Numbers => [_scale];

    public override void Widen(Matrix<T> weight) => Threads.For(Rows, i => TensorPrimitives.Multiply(_units.Row(i), _scale.Values[0], weight.Row(i)));

    public override void Adjoint(Matrix<T> gradient)
    {
        var sums = new T[Rows];
        Threads.For(Rows, i => sums[i] = TensorPrimitives.Dot<T>(gradient.Row(i), _units.Row(i)));
        _scale.Gradient[0] = TensorPrimitives.Sum<T>(sums);
    }

    public override Linear Freeze() => freeze(_scale.ToFloats()[0]);

    /// <summary>The same with its unit seen in other coordinates, and what is frozen wrapped.</summary>
    public TunedScale<T> In(Func<Matrix<float>, Matrix<float>> coordinates, Func<Linear, Linear> wrap) =>
        new(coordinates(units), scale, s => wrap(freeze(s)));
}
