using System.Numerics;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>w = scale · level[code]: scales and levels move. The levels are those of the whole layer.</summary>
internal sealed class TunedCodebook<T> : TunedForm<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CodebookLinear _layer;
    private readonly byte[] _codes;
    private readonly TunedUnits<T> _units;
    private readonly TunedNumbers<T> _scales, _levels;

    public TunedCodebook(CodebookLinear layer) : base(layer.Rows, layer.Columns)
    {
        (_layer, _codes) = (layer, layer.Codes());
        _units = new(layer.Format.Layout, new(layer.Rows, layer.Columns));
        _scales = TunedNumbers<T>.Of(layer.Scales, TunedKind.Scales);
        _levels = TunedNumbers<T>.Of(layer.Levels, TunedKind.Scales);
    }

    public override IEnumerable<TunedNumbers<T>> Numbers => [_scales, _levels];

    public override void Widen(Matrix<T> weight)
    {
        Threads.For(Rows, i =>
        {
            var row = _units.Units.Row(i);
            for (int j = 0; j < row.Length; j++) row[j] = _levels.Values[_codes[i * row.Length + j]];
        });
        _units.Widen(_scales.Values, null, weight);
    }

    public override void Adjoint(Matrix<T> gradient)
    {
        _units.Adjoint(gradient, _scales.Gradient);
        // A sum for each row and level, then over rows: the order does not depend on threads.
        int count = _levels.Values.Length;
        var sums = new T[Rows * count];
        Threads.For(Rows, i =>
        {
            var row = gradient.Row(i);
            for (int j = 0; j < row.Length; j++) sums[i * count + _codes[i * row.Length + j]] += row[j] * _units.NumberOf(_scales.Values, i, j);
        });
        Array.Clear(_levels.Gradient);
        for (int k = 0; k < sums.Length; k++) _levels.Gradient[k % count] += sums[k];
    }

    public override Linear Freeze() =>
        _layer.With(_layer.Format.Scales == ScaleType.Bits16 ? _scales.ToHalves() : _scales.ToFloats(), _levels.ToFloats());
}
