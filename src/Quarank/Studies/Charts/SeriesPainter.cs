using System.Text;

namespace Quarank.Studies.Charts;

/// <summary>Draws series: lines, error bars, markers; labels last, when all marks are known.</summary>
internal sealed class SeriesPainter(Drawing drawing, AxisScale x, AxisScale y, LabelPlacer placer)
{
    private readonly List<(double X, double Y, string Text, int Tint)> _labels = [];

    public void Paint(Series series, int tint, int shape, int index)
    {
        if (series.Look == Look.Frontier)
        {
            PaintFrontier(series);
            return;
        }
        if (series.Look == Look.Band) PaintBand(series, tint);
        if (series.Look != Look.Points) PaintLine(series, tint, shape);
        bool spaced = series.Look is Look.Line or Look.Band;
        var shown = spaced ? Spaced(series.Points, index) : series.Points;
        double radius = shown.Count > 200 ? 2.5 : shown.Count > 60 ? 3.5 : 4.5;
        if (series.Look != Look.Band)
        {
            foreach (var point in shown) PaintBar(point, tint);
        }
        foreach (var point in shown) PaintPoint(series, point, tint, shape, radius);
        if (!spaced) return;
        foreach (var point in series.Points.Where(p => !IsInside(p))) PaintPoint(series, point, tint, shape, radius);
    }

    public void PaintLabels()
    {
        foreach (var (px, py, text, tint) in _labels)
        {
            if (placer.TryPlace(px, py, text, TextSize.Tick, out var place))
                drawing.Text(place.X, place.Y, text, TextSize.Tick, $"label halo t{tint}");
        }
    }

    private void PaintLine(Series series, int tint, int shape)
    {
        var path = new StringBuilder();
        (double X, double Y)? last = null;
        bool lastInside = false, drawn = false;
        var lost = new StringBuilder(); // to and from points that stand in a lane
        foreach (var point in series.Points)
        {
            bool inside = IsInside(point);
            var at = (X: x.At(point.X), Y: y.At(point.Y));
            if (inside && last is { } near && drawn && lastInside && Math.Abs(near.X - at.X) < 0.4 && Math.Abs(near.Y - at.Y) < 0.4)
                continue; // nobody would see the difference
            if (last is { } from)
            {
                if (inside && lastInside) placer.KeepLine(from.X, from.Y, at.X, at.Y);
                else lost.Append($"M{Drawing.N(from.X)} {Drawing.N(from.Y)}L{Drawing.N(at.X)} {Drawing.N(at.Y)}");
            }
            if (inside) path.Append($"{(drawn && lastInside ? 'L' : 'M')}{Drawing.N(at.X)} {Drawing.N(at.Y)}");
            (last, lastInside, drawn) = (at, inside, drawn || inside);
        }
        if (lost.Length > 0) drawing.Path(lost.ToString(), $"lost t{tint}");
        if (path.Length > 0) drawing.Path(path.ToString(), $"line t{tint} d{shape}", series.Name.Length > 0 ? series.Name : null);
    }

    private void PaintBand(Series series, int tint)
    {
        var ends = series.Points.Where(p => IsInside(p) && p is { Low: not null, High: not null })
            .Select(p => (X: Drawing.N(x.At(p.X)), Low: Drawing.N(y.Clamped(p.Low!.Value)), High: Drawing.N(y.Clamped(p.High!.Value)))).ToList();
        if (ends.Count < 2) return;
        string there = string.Join('L', ends.Select(e => $"{e.X} {e.High}")), back = string.Join('L', Enumerable.Reverse(ends).Select(e => $"{e.X} {e.Low}"));
        drawing.Path($"M{there}L{back}Z", $"band t{tint}");
    }

    private void PaintFrontier(Series series)
    {
        var points = series.Points.Where(IsInside).Select(p => (X: x.At(p.X), Y: y.At(p.Y))).ToList();
        if (points.Count == 0) return;
        var path = new StringBuilder($"M{Drawing.N(points[0].X)} {Drawing.N(points[0].Y)}");
        for (int i = 1; i < points.Count; i++)
        {
            path.Append($"H{Drawing.N(points[i].X)}V{Drawing.N(points[i].Y)}");
            placer.KeepLine(points[i - 1].X, points[i - 1].Y, points[i].X, points[i - 1].Y);
            placer.KeepLine(points[i].X, points[i - 1].Y, points[i].X, points[i].Y);
        }
        drawing.Path(path.ToString(), "frontier", series.Name);
    }

    private void PaintBar(DataPoint point, int tint)
    {
        if (!IsInside(point) || point.Low is not { } low || point.High is not { } high) return;
        double at = x.At(point.X), top = y.Clamped(high), bottom = y.Clamped(low);
        if (bottom - top < 1) return; // smaller than its marker's outline
        string N(double v) => Drawing.N(v);
        drawing.Path($"M{N(at)} {N(top)}V{N(bottom)}M{N(at - 4)} {N(top)}h8M{N(at - 4)} {N(bottom)}h8", $"bar t{tint}");
    }

    private void PaintPoint(Series series, DataPoint point, int tint, int shape, double radius)
    {
        double px = x.At(point.X), py = y.At(point.Y);
        string range = point is { Low: { } low, High: { } high } ? $" ({y.Say(low)} to {y.Say(high)})" : "";
        string name = string.Join(", ", new[] { series.Name, point.Label }.Where(n => !string.IsNullOrEmpty(n)).Distinct());
        string words = $"{name}{(name.Length > 0 ? "\n" : "")}{x.Name}: {x.Say(point.X)}\n{y.Name}: {y.Say(point.Y)}{range}";
        if (IsInside(point)) drawing.Path(Marker.Path(shape, px, py, radius), $"mark t{tint}", words);
        else drawing.Path(Marker.Broken(px, py, radius), $"broken t{tint}", words);
        placer.Keep(Box.Around(px, py, radius + 1));
        if (point.Label is { Length: > 0 } label) _labels.Add((px, py, label, tint));
    }

    /// <summary>Every point of a short line; of a long one a few, at other places for each series.</summary>
    private List<DataPoint> Spaced(IReadOnlyList<DataPoint> points, int index)
    {
        if (points.Count <= 12) return [.. points.Where(IsInside)];
        var shown = new List<DataPoint>();
        double next = x.Low + 10 + index % 5 * 14;
        foreach (var point in points.Where(IsInside))
        {
            if (x.At(point.X) < next) continue;
            shown.Add(point);
            next = x.At(point.X) + 70;
        }
        return shown;
    }

    private bool IsInside(DataPoint point) => x.LaneOf(point.X) == Lane.Inside && y.LaneOf(point.Y) == Lane.Inside;
}
