namespace Quarank.Studies.Charts;

/// <summary>
/// Finds room for labels beside their points: never over another label, a marker or the frame, rather not over a line. A label
/// without room is left to the tooltip.
/// </summary>
internal sealed class LabelPlacer(Box frame)
{
    private readonly List<Box> _taken = [];
    private readonly List<(double X, double Y)> _lines = [];

    public void Keep(Box box) => _taken.Add(box);

    public void KeepLine(double x1, double y1, double x2, double y2)
    {
        int steps = Math.Max(1, (int)(Math.Sqrt((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1)) / 5));
        for (int i = 0; i <= steps; i++) _lines.Add((x1 + (x2 - x1) * i / steps, y1 + (y2 - y1) * i / steps));
    }

    /// <summary>Where a label beside a point begins on its baseline; the place is taken from now on.</summary>
    public bool TryPlace(double x, double y, string text, TextSize size, out (double X, double Y) place) => TryPlace([(x, y)], text, size, out place);

    /// <summary>As above, beside one of several points; the first is liked best.</summary>
    public bool TryPlace(IReadOnlyList<(double X, double Y)> points, string text, TextSize size, out (double X, double Y) place)
    {
        double best = double.PositiveInfinity;
        place = default;
        for (int i = 0; i < points.Count; i++)
        {
            foreach (var (left, baseline, cost) in Around(points[i].X, points[i].Y, TextWidth.Of(text, size), (int)size))
            {
                var box = Drawing.BoxOf(left, baseline, text, size, Anchor.Start);
                if (!frame.Contains(box) || _taken.Exists(box.Overlaps)) continue;
                double total = cost + 0.5 * i + 3 * _lines.Count(p => box.Overlaps(Box.Around(p.X, p.Y, 1)));
                if (total < best) (best, place) = (total, (left, baseline));
            }
        }
        if (double.IsInfinity(best)) return false;
        _taken.Add(Drawing.BoxOf(place.X, place.Y, text, size, Anchor.Start));
        return true;
    }

    /// <summary>Eight places around a point, at three distances; nearer ones and those to the right cost less.</summary>
    private static IEnumerable<(double Left, double Baseline, double Cost)> Around(double x, double y, double width, double height)
    {
        foreach (double away in new[] { 7.0, 12, 19 })
        {
            double near = away * 0.7, slant = away * 0.8;
            yield return (x + away, y + height * 0.32, near);
            yield return (x - away - width, y + height * 0.32, near + 1);
            yield return (x - width / 2, y - away, near + 1);
            yield return (x - width / 2, y + away + height * 0.75, near + 2);
            yield return (x + slant, y - slant, near + 1);
            yield return (x + slant, y + slant + height * 0.7, near + 2);
            yield return (x - slant - width, y - slant, near + 2);
            yield return (x - slant - width, y + slant + height * 0.7, near + 3);
        }
    }
}
