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

    /// <summary>Where the label's baseline begins, and the box it takes from now on.</summary>
    public bool TryPlace(double x, double y, string text, TextSize size, out (double X, double Y) place)
    {
        double width = TextWidth.Of(text, size), height = (int)size;
        double best = double.PositiveInfinity;
        place = default;
        Box chosen = default;
        foreach (double away in new[] { 7.0, 12, 19 })
        {
            (double X, double Y, double Cost)[] candidates =
            [
                (x + away, y + height * 0.32, 0), (x - away - width, y + height * 0.32, 1),
                (x - width / 2, y - away, 1), (x - width / 2, y + away + height * 0.75, 2),
                (x + away * 0.8, y - away * 0.8, 1), (x + away * 0.8, y + away * 0.8 + height * 0.7, 2),
                (x - away * 0.8 - width, y - away * 0.8, 2), (x - away * 0.8 - width, y + away * 0.8 + height * 0.7, 3),
            ];
            foreach (var (left, baseline, cost) in candidates)
            {
                var box = Drawing.BoxOf(left, baseline, text, size, Anchor.Start);
                if (!frame.Contains(box) || _taken.Exists(box.Overlaps)) continue;
                double total = cost + away * 0.7 + 3 * _lines.Count(p => box.Overlaps(Box.Around(p.X, p.Y, 1)));
                if (total >= best) continue;
                (best, place, chosen) = (total, (left, baseline), box);
            }
        }
        if (double.IsInfinity(best)) return false;
        _taken.Add(chosen);
        return true;
    }
}
