namespace Quarank.Studies.Charts;

/// <summary>What charts and bars share: the axis on the left with its grid and lanes, and guides.</summary>
internal static class AxisPainter
{
    public static void PaintY(Drawing drawing, AxisScale scale, double left, double right)
    {
        double last = double.PositiveInfinity;
        foreach (var tick in scale.Ticks((int)Math.Clamp(Math.Abs(scale.High - scale.Low) / 36, 2, 10)))
        {
            double y = scale.At(tick.Value);
            if (tick.Label.Length == 0)
            {
                drawing.Line(left - 3, y, left, y, "axis");
                continue;
            }
            drawing.Line(left, y, right, y, "grid");
            if (last - y < 14) continue; // ticks come from below
            last = y;
            drawing.Text(left - 7, y + 4, tick.Label, TextSize.Tick, "soft", Anchor.End);
        }
        foreach (var (name, lane, edge) in new[] { (scale.HighName, scale.End, scale.High), (scale.LowName, scale.Start, scale.Low) })
        {
            if (name.Length == 0) continue;
            drawing.Rectangle(new(left, Math.Min(lane, edge), right, Math.Max(lane, edge)), "lane");
            drawing.Text(left - 7, (lane + edge) / 2 + 4, name, TextSize.Tick, "soft", Anchor.End);
        }
        drawing.Line(left, scale.Start, left, scale.End, "axis");
    }

    public static void PaintGuide(Drawing drawing, AxisScale y, IEnumerable<Guide> guides, double left, double right, LabelPlacer placer)
    {
        foreach (var (value, name, vertical) in guides)
        {
            if (vertical || y.LaneOf(value) != Lane.Inside) continue;
            double at = y.At(value);
            drawing.Line(left, at, right, at, "guide");
            if (placer.TryPlace(right - TextWidth.Of(name, TextSize.Tick) - 8, at - 2, name, TextSize.Tick, out var place))
                drawing.Text(place.X, place.Y, name, TextSize.Tick, "soft halo");
        }
    }
}
