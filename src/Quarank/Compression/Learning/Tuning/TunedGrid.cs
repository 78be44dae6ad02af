using System.Numerics;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>w = scale · (code − zero): scales move; or w = scale · code + offset: both do. Zero-points are integers and stay.</summary>
internal sealed class TunedGrid<T> : TunedForm<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly GridLinear _layer;
    private readonly TunedUnits<T> _units;
    private readonly TunedNumbers<T> _scales;
    private readonly TunedNumbers<T>? _offsets;

    public TunedGrid(GridLinear layer) : base(layer.Rows, layer.Columns)
    {
        (_layer, _units) = (layer, new(layer.Format, Widened(layer.Units())));
        _scales = TunedNumbers<T>.Of(layer.Scales, TunedKind.Scales);
        if (layer.Format.Offset == GridOffset.Number) _offsets = TunedNumbers<T>.Of(layer.Offsets, TunedKind.Scales);
    }

    public override IEnumerable<TunedNumbers<T>> Numbers => _offsets is null ? [_scales] : [_scales, _offsets];

    public override void Widen(Matrix<T> weight) => _units.Widen(_scales.Values, _offsets?.Values, weight);

    public override void Adjoint(Matrix<T> gradient)
    {
        _units.Adjoint(gradient, _scales.Gradient);
        if (_offsets is not null) _units.AdjointOfOffsets(gradient, _offsets.Gradient);
    }

    public override Linear Freeze() => _layer.With(Stored(_scales), _offsets is null ? [] : Stored(_offsets));

    private float[] Stored(TunedNumbers<T> numbers) => _layer.Format.Scales == ScaleType.Bits16 ? numbers.ToHalves() : numbers.ToFloats();
}

/// <summary>
/// A grid whose scales (and offsets) have two levels: the float16 numbers above move, the integers below them stay. That what both stand for is
/// rounded once more to float16 is left out of account until the end.
/// </summary>
internal sealed class TunedTwoLevelGrid<T> : TunedForm<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly GridLinear _layer;
    private readonly TunedUnits<T> _units;
    private readonly Level _scales;
    private readonly Level? _offsets;

    public TunedTwoLevelGrid(GridLinear layer) : base(layer.Rows, layer.Columns)
    {
        (_layer, _units) = (layer, new(layer.Format, Widened(layer.Units())));
        _scales = new(layer.Format, layer.Columns, layer.TwoLevels!, 1);
        if (layer.TwoLevelOffsets is { } offsets) _offsets = new(layer.Format, layer.Columns, offsets, -1);   // stored as magnitudes
    }

    public override IEnumerable<TunedNumbers<T>> Numbers => _offsets is null ? [_scales.Supers] : [_scales.Supers, _offsets.Supers];

    public override void Widen(Matrix<T> weight) => _units.Widen(_scales.Expand(), _offsets?.Expand(), weight);

    public override void Adjoint(Matrix<T> gradient)
    {
        _units.Adjoint(gradient, _scales.Gradient);
        _scales.Gather();
        if (_offsets is null) return;
        _units.AdjointOfOffsets(gradient, _offsets.Gradient);
        _offsets.Gather();
    }

    public override Linear Freeze() => _layer.With(_scales.ToStored(), _offsets?.ToStored());

    /// <summary>number of a group = sign · super · integer / 2ᵇ.</summary>
    private sealed class Level(GridFormat format, int columns, TwoLevelNumbers stored, int sign)
    {
        private readonly int _groups = format.GroupsOf(columns), _supers = format.Super!.CountOf(columns);
        private readonly T[] _numbers = new T[stored.Codes.Length];

        public TunedNumbers<T> Supers { get; } = TunedNumbers<T>.Of(stored.Supers, TunedKind.Scales);

        /// <summary>The loss by each group's number.</summary>
        public T[] Gradient { get; } = new T[stored.Codes.Length];

        public T[] Expand()
        {
            for (int k = 0; k < _numbers.Length; k++) _numbers[k] = Supers.Values[Above(k)] * Part(k);
            return _numbers;
        }

        public void Gather()
        {
            Array.Clear(Supers.Gradient);
            for (int k = 0; k < Gradient.Length; k++) Supers.Gradient[Above(k)] += Gradient[k] * Part(k);
        }

        public TwoLevelNumbers ToStored() => new(stored.Codes, Supers.ToHalves());

        private int Above(int k) => k / _groups * _supers + format.Super!.Of(k % _groups, format.GroupSize);

        private T Part(int k) => T.CreateChecked(Math.ScaleB(sign * (double)stored.Codes[k], -format.Super!.Bits));
    }
}
