namespace Quarank.Studies.Charts;

/// <summary>What charts and bars share: the axis on the left with its grid and lanes, and guides.</summary>
internal static class AxisPainter
{
    /// <summary>The room that the axis' words need on its left, when it is so many pixels high.</summary>
    public static double Margin(AxisScale scale, double height)
    {
        scale.Span(height, 0);
        return 14 + TicksOf(scale).Select(t => t.Label).Append(scale.HighName).Append(scale.LowName).Max(l => TextWidth.Of(l, TextSize.Tick));
    }

    public static void PaintY(Drawing drawing, AxisScale scale, double left, double right)
    {
        double free = scale.LowName.Length > 0 ? (scale.Start + scale.Low) / 2 : double.PositiveInfinity;
        double end = scale.HighName.Length > 0 ? (scale.End + scale.High) / 2 : double.NegativeInfinity;
        foreach (var tick in TicksOf(scale)) // they come from below
        {
            double y = scale.At(tick.Value);
            if (tick.Label.Length == 0)
            {
                drawing.Line(left - 3, y, left, y, "axis");
                continue;
            }
            drawing.Line(left, y, right, y, "grid");
            if (free - y < 14 || y - end < 14) continue;
            free = y;
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

    private static IReadOnlyList<Tick> TicksOf(AxisScale scale) => scale.Ticks((int)Math.Clamp(Math.Abs(scale.High - scale.Low) / 34, 2, 10));

    /// <param name="scale">The axis on which a guide has its value.</param>
    /// <param name="other">The axis along which it runs.</param>
    public static void PaintGuides(
        Drawing drawing, IReadOnlyList<Guide> guides, bool vertical, AxisScale scale, AxisScale other, LabelPlacer placer)
    {
        foreach (var guide in guides.Where(g => g.Vertical == vertical && scale.LaneOf(g.Value) == Lane.Inside))
        {
            double at = scale.At(guide.Value);
            var (x1, y1, x2, y2) = vertical ? (at, other.Start, at, other.End) : (other.Start, at, other.End, at);
            drawing.Line(x1, y1, x2, y2, "guide");
            placer.KeepLine(x1, y1, x2, y2);
        }
    }

    /// <summary>Writes the guides' names where the least else stands along them; call it when all else is drawn.</summary>
    public static void NameGuides(
        Drawing drawing, IReadOnlyList<Guide> guides, bool vertical, AxisScale scale, AxisScale other, LabelPlacer placer)
    {
        foreach (var guide in guides.Where(g => g.Vertical == vertical && scale.LaneOf(g.Value) == Lane.Inside))
        {
            double at = scale.At(guide.Value);
            double room = vertical ? 16 : TextWidth.Of(guide.Name, TextSize.Tick) + 8;
            var places = Enumerable.Range(0, 9).Select(i => other.End + (other.Start - other.End) * i / 8.0)
                .Select(p => vertical ? (X: at, Y: Math.Clamp(p, other.End + 8, other.Start - 8))
                    : (X: Math.Clamp(p - room, other.Start, other.End - room), Y: at));
            if (placer.TryPlace([.. places], guide.Name, TextSize.Tick, out var place))
                drawing.Text(place.X, place.Y, guide.Name, TextSize.Tick, "soft halo");
        }
    }
}
