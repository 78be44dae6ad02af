namespace Quarank.Studies.Charts;

internal sealed class BarPainter
{
    private readonly BarChart _chart;
    private readonly Drawing _drawing;
    private readonly AxisScale _y;
    private readonly List<Box> _bars = [];

    public BarPainter(BarChart chart, Drawing drawing)
    {
        (_chart, _drawing) = (chart, drawing);
        var values = chart.Series.SelectMany(s => s.Values).Concat(chart.Guides.Where(g => !g.Vertical).Select(g => g.Value));
        var ends = chart.Series.Where(s => s.Errors != null).SelectMany(s => s.Values.Zip(s.Errors!, (v, e) => v + e)).Where(double.IsFinite);
        _y = new(chart.Y, chart.Y.Log ? values.Concat(ends) : values.Concat(ends).Append(0));
    }

    public void Paint(double top)
    {
        top = Legend.Draw(_drawing, top, [.. _chart.Series.Select((s, i) => new LegendEntry(s.Name, (drawing, x, y) =>
            drawing.Rectangle(new(x + 4, y - 6, x + 20, y + 6), $"column t{i % ChartStyle.Tints}")))]);
        double height = _chart.PlotHeight ?? Math.Clamp(_drawing.Width * 0.42, 170, 320), left = AxisPainter.Margin(_y, height);
        double right = _drawing.Width - 8;
        foreach (string line in TextWidth.Wrap(_y.Title, TextSize.Note, _drawing.Width - 8))
            _drawing.Text(4, top += TextSize.Note.LineHeight(), line, TextSize.Note, "ink");
        top += 10;
        double bottom = top + height;
        _y.Span(bottom, top);
        AxisPainter.PaintY(_drawing, _y, left, right);

        double slot = (right - left) / Math.Max(1, _chart.Groups.Count);
        int lines = PaintNames(left, slot, bottom);
        double y = bottom + 4 + lines * TextSize.Tick.LineHeight();
        if (_chart.GroupsTitle.Length > 0)
            _drawing.Text((left + right) / 2, y += TextSize.Note.LineHeight() + 2, _chart.GroupsTitle, TextSize.Note, "ink", Anchor.Middle);
        _drawing.Height = Math.Ceiling(y + 10);
        for (int i = 0; i < _chart.Series.Count; i++) PaintSeries(i, left, slot);
        if (_y.LaneOf(0) == Lane.Inside) _drawing.Line(left, _y.At(0), right, _y.At(0), "axis");
        else _drawing.Line(left, bottom, right, bottom, "axis");
        var placer = new LabelPlacer(new(left, top - 4, right, bottom));
        foreach (var box in _bars) placer.Keep(box);
        var across = new AxisScale(new Axis("", From: 0, To: 1), []);
        across.Span(left, right);
        AxisPainter.PaintGuides(_drawing, _chart.Guides, vertical: false, _y, across, placer);
        AxisPainter.NameGuides(_drawing, _chart.Guides, vertical: false, _y, across, placer);
    }

    private void PaintSeries(int index, double left, double slot)
    {
        var series = _chart.Series[index];
        double width = Math.Min(48, slot * 0.8 / _chart.Series.Count);
        for (int g = 0; g < _chart.Groups.Count; g++)
        {
            double middle = left + slot * (g + 0.5) + (index - (_chart.Series.Count - 1) / 2.0) * width, value = series.Values[g];
            double? error = series.Errors?[g];
            string words = $"{series.Name}, {_chart.Groups[g]}\n{_chart.Y.Title}: {_y.Say(value)}{(error is { } e ? $" ± {_y.Say(e)}" : "")}";
            if (_y.LaneOf(value) != Lane.Inside)
            {
                _drawing.Path(Marker.Broken(middle, _y.At(value), 5), $"broken t{index % ChartStyle.Tints}", words);
                continue;
            }
            double zero = _y.Clamped(_chart.Y.Log ? double.Epsilon : 0), end = _y.At(value);
            _bars.Add(new(middle - width * 0.46, Math.Min(zero, end), middle + width * 0.46, Math.Max(zero, end)));
            _drawing.Rectangle(_bars[^1], $"column t{index % ChartStyle.Tints}", words);
            if (error is not { } half || !double.IsFinite(half)) continue;
            double a = _y.Clamped(value + half), b = _y.Clamped(value - half);
            string cap = $"M{Drawing.N(middle - 3)} ";
            _drawing.Path($"M{Drawing.N(middle)} {Drawing.N(a)}V{Drawing.N(b)}{cap}{Drawing.N(a)}h6{cap}{Drawing.N(b)}h6", "cross");
        }
    }

    /// <summary>The groups' names, each wrapped within its own part of the axis; how many lines the longest has.</summary>
    private int PaintNames(double left, double slot, double bottom)
    {
        int most = 0, stride = (int)Math.Ceiling(32 / slot); // names of narrow groups are left out, not squeezed
        for (int g = 0; g < _chart.Groups.Count; g += stride)
        {
            var lines = TextWidth.Wrap(_chart.Groups[g], TextSize.Tick, slot * stride - 4);
            most = Math.Max(most, lines.Count);
            for (int i = 0; i < lines.Count; i++)
            {
                _drawing.Text(left + slot * (g + 0.5), bottom + 4 + (i + 1) * TextSize.Tick.LineHeight(), lines[i], TextSize.Tick, "soft",
                    Anchor.Middle, lines[i].EndsWith('…') ? _chart.Groups[g] : null);
            }
        }
        return most;
    }
}
