namespace Quarank.Studies.Charts;

internal enum Lane { Inside, Low, High }

/// <summary>
/// Where values lie along an axis in pixels. What has no place between its ends (not finite, beyond them, zero on a logarithmic axis)
/// lies in a lane of its own at the edge.
/// </summary>
internal sealed class AxisScale
{
    private const double LaneSize = 22;
    private readonly Axis _axis;
    private readonly double _from, _to;   // as shown: logarithms on a logarithmic axis
    private readonly int _byteUnit, _power;
    private readonly bool _empty;

    public AxisScale(Axis axis, IEnumerable<double> values)
    {
        _axis = axis;
        var all = values.ToList();
        var inside = all.Where(v => double.IsFinite(v) && (!axis.Log || v > 0)).ToList();
        double low = axis.From ?? (inside.Count == 0 ? 1 : inside.Min()), high = axis.To ?? (inside.Count == 0 ? low * 10 + 1 : inside.Max());
        if (axis.Log && low <= 0) throw new ArgumentException($"The logarithmic axis '{axis.Title}' cannot begin at {low}.");
        if (high < low) high = axis.To == null ? low : throw new ArgumentException($"The axis '{axis.Title}' ends at {high}, before {low}.");
        (_from, _to) = axis.Log ? (Math.Log10(low), Math.Log10(high)) : (low, high);
        double room = _to > _from ? 0.04 * (_to - _from) : axis.Log ? 0.3 : low == 0 ? 1 : Math.Abs(low) * 0.1;
        bool aboveZero = !axis.Log && low >= 0 && low - room < 0; // what cannot be negative does not begin below zero
        if (axis.From == null || _to <= _from) _from = aboveZero ? 0 : _from - room;
        if (axis.To == null || _to <= _from) _to += room;
        _empty = inside.Count == 0 && axis is { From: null, To: null };
        _power = (int)Math.Floor(Math.Log10(Math.Max(Math.Abs(_from), Math.Abs(_to))) + 1e-9);
        if (axis.Log || axis.Unit != AxisUnit.Number || _power is > -4 and < 7) _power = 0;
        _byteUnit = NumberText.ByteUnit(axis.Log ? Math.Pow(10, (_from + _to) / 2) : _to);
        HighName = all.Exists(v => LaneOf(v) == Lane.High) ? all.Exists(v => !double.IsFinite(v)) ? "broken" : "beyond" : "";
        LowName = !all.Exists(v => LaneOf(v) == Lane.Low) ? "" : axis.Log && all.Exists(v => v <= 0) ? "≤ 0" : "below";
    }

    /// <summary>What stands in the lane at the upper end ("broken" or "beyond"); empty if nothing does.</summary>
    public string HighName { get; }

    public string LowName { get; }

    /// <summary>The quantity alone, as beside a value that has its unit.</summary>
    public string Name => _axis.Title;

    public string Title => _axis.Unit == AxisUnit.Bytes ? $"{_axis.Title} ({NumberText.ByteUnitName(_byteUnit)})"
        : _power != 0 ? $"{_axis.Title} (× {NumberText.TenTo(_power)})" : _axis.Title;

    /// <summary>The pixels of the lower and upper end, lanes included; the upper may be the smaller number.</summary>
    public double Start { get; private set; }

    public double End { get; private set; }

    public void Span(double start, double end) => (Start, End) = (start, end);

    /// <summary>Pixels where the values end and the lanes begin.</summary>
    public double Low => LowName.Length > 0 ? Start + Direction * LaneSize : Start;

    public double High => HighName.Length > 0 ? End - Direction * LaneSize : End;

    private double Direction => Math.Sign(End - Start);

    public Lane LaneOf(double value) => value switch
    {
        double.NegativeInfinity => Lane.Low,
        _ when !double.IsFinite(value) => Lane.High,
        _ when _axis.Log && value <= 0 => Lane.Low,
        _ when Shown(value) < _from - 1e-9 * (_to - _from) => Lane.Low,
        _ when Shown(value) > _to + 1e-9 * (_to - _from) => Lane.High,
        _ => Lane.Inside,
    };

    public double At(double value) => LaneOf(value) switch
    {
        Lane.Low => Start + Direction * (LowName.Length > 0 ? LaneSize / 2 : 0),
        Lane.High => End - Direction * (HighName.Length > 0 ? LaneSize / 2 : 0),
        _ => Low + (Shown(value) - _from) / (_to - _from) * (High - Low),
    };

    /// <summary>The end of an error bar: never beyond the values' own part of the axis.</summary>
    public double Clamped(double value) => LaneOf(value) switch { Lane.Low => Low, Lane.High => High, _ => At(value) };

    public IReadOnlyList<Tick> Ticks(int count)
    {
        if (_empty) return []; // nothing says where the axis begins or ends
        double factor = _axis.Unit switch { AxisUnit.Bytes => Math.Pow(1000, -_byteUnit), AxisUnit.Percent => 100, _ => Math.Pow(10, -_power) };
        string suffix = _axis.Unit == AxisUnit.Percent ? " %" : "";
        string Label(double value, int decimals) => NumberText.Fixed(value, decimals) + suffix;
        var ticks = _axis.Log
            ? Charts.Ticks.Logarithmic(Math.Pow(10, _from) * factor, Math.Pow(10, _to) * factor, count, Label)
            : Charts.Ticks.Linear(_from * factor, _to * factor, count, Label);
        return [.. ticks.Select(t => t with { Value = t.Value / factor }).Where(t => LaneOf(t.Value) == Lane.Inside)];
    }

    /// <summary>A single value in the axis' unit: "12.3 %", "10.9 MB", "2,889".</summary>
    public string Say(double value) => _axis.Unit switch
    {
        AxisUnit.Percent => double.IsFinite(value) ? NumberText.Round(value * 100) + " %" : "broken",
        AxisUnit.Bytes => NumberText.Bytes(value),
        _ => NumberText.Round(value),
    };

    private double Shown(double value) => _axis.Log ? Math.Log10(value) : value;
}
