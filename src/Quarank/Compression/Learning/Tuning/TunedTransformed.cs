using System.Numerics;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Hadamard;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>W = Uᵀ Ŵ V, so ∂Ŵ = U ∂W Vᵀ.</summary>
internal sealed class TunedTransformed<T> : TunedForm<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly TransformedLinear _layer;
    private readonly TunedForm<T> _inner;
    private readonly Matrix<T> _turned;

    private TunedTransformed(TransformedLinear layer, TunedForm<T> inner) : base(layer.Rows, layer.Columns) =>
        (_layer, _inner, _turned) = (layer, inner, new(layer.Rows, layer.Columns));

    /// <summary>With one scale inside, the turned unit is made once.</summary>
    public static TunedForm<T> Of(TransformedLinear layer)
    {
        var inner = TunedForm<T>.Of(layer.Inner);
        return inner is TunedScale<T> scale
            ? scale.In(units => Incoherence.TurnBack(units, layer.Outputs, layer.Inputs), layer.Around)
            : new TunedTransformed<T>(layer, inner);
    }

    public override IEnumerable<TunedNumbers<T>> Numbers => _inner.Numbers;

    public override void Widen(Matrix<T> weight)
    {
        _inner.Widen(_turned);
        Incoherence.TurnBack(_turned, _layer.Outputs, _layer.Inputs).Data.CopyTo(weight.Data);
    }

    public override void Adjoint(Matrix<T> gradient) => _inner.Adjoint(Incoherence.Turn(gradient, _layer.Outputs, _layer.Inputs));

    public override Linear Freeze() => _layer.Around(_inner.Freeze());
}
