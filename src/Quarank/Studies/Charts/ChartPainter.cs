namespace Quarank.Studies.Charts;

/// <summary>Lays a <see cref="Chart"/> out, from top to bottom, and draws it from back to front.</summary>
internal sealed class ChartPainter
{
    private readonly Chart _chart;
    private readonly Drawing _drawing;
    private readonly AxisScale _x, _y;
    private readonly (int Tint, int Shape)[] _looks;

    public ChartPainter(Chart chart, Drawing drawing)
    {
        (_chart, _drawing) = (chart, drawing);
        var points = chart.Series.SelectMany(s => s.Points).ToList();
        _x = new(chart.X, points.Select(p => p.X).Concat(Guided(vertical: true)));
        _y = new(chart.Y, points.Select(p => p.Y).Concat(Guided(vertical: false)).Concat(points.SelectMany(Ends)));
        int next = 0;
        _looks = new (int, int)[chart.Series.Count];
        for (int i = 0; i < _looks.Length; i++)
        {
            var series = chart.Series[i];
            bool counts = series.Look != Look.Frontier && (series.Tint == null || series.Shape == null);
            // From the ninth on, colours come again with other shapes: 64 series differ.
            _looks[i] = (series.Tint ?? next % ChartStyle.Tints, series.Shape ?? (next + next / ChartStyle.Tints) % Marker.Count);
            if (counts) next++;
        }
    }

    public void Paint(double top)
    {
        if (!_chart.HideLegend) top = PaintLegend(top);
        double height = _chart.PlotHeight ?? Math.Clamp(110 + _drawing.Width * 0.3, 170, 380), left = AxisPainter.Margin(_y, height);
        double right = _drawing.Width - 16;
        foreach (string line in TextWidth.Wrap(_y.Title, TextSize.Note, _drawing.Width - 8))
            _drawing.Text(4, top += TextSize.Note.LineHeight(), line, TextSize.Note, "ink");
        top += 10;
        double bottom = top + height;
        _y.Span(bottom, top);
        _x.Span(left, right);

        AxisPainter.PaintY(_drawing, _y, left, right);
        double y = PaintX(top, bottom);
        foreach (string line in TextWidth.Wrap(_x.Title, TextSize.Note, right - 8))
            _drawing.Text((left + right) / 2, y += TextSize.Note.LineHeight(), line, TextSize.Note, "ink", Anchor.Middle);
        _drawing.Height = Math.Ceiling(y + 8);

        var placer = new LabelPlacer(new(left, top - 4, right + 12, bottom));
        foreach (bool vertical in new[] { false, true }) AxisPainter.PaintGuides(_drawing, _chart.Guides, vertical, vertical ? _x : _y, vertical ? _y : _x, placer);
        var marks = new SeriesPainter(_drawing, _x, _y, placer);
        for (int i = 0; i < _looks.Length; i++) marks.Paint(_chart.Series[i], _looks[i].Tint, _looks[i].Shape, i);
        foreach (bool vertical in new[] { false, true }) AxisPainter.NameGuides(_drawing, _chart.Guides, vertical, vertical ? _x : _y, vertical ? _y : _x, placer);
        marks.PaintLabels();
    }

    public double PaintLegend(double top) => Legend.Draw(_drawing, top, [.. _chart.Series.Select(Entry)]);

    /// <summary>The legend as a list of its own, for a page that shows one for several charts.</summary>
    public static string HtmlLegend(Chart chart)
    {
        var painter = new ChartPainter(chart, new Drawing(chart.Width));
        return $"<ul class=\"legend\">{string.Concat(chart.Series.Select((series, i) => (Series: series, Entry: painter.Entry(series, i)))
            .Where(e => e.Entry.Name.Length > 0).Select(e =>
            {
                var sample = new Drawing(26);
                e.Entry.DrawSample(sample, 1, 8);
                return $"<li><svg class=\"chart\" width=\"26\" height=\"16\" aria-hidden=\"true\">{sample.Body}</svg>{Drawing.Escape(e.Entry.Name)}</li>";
            }))}</ul>";
    }

    private LegendEntry Entry(Series series, int i) => new(series.Name, (drawing, x, y) =>
    {
        var (tint, shape) = _looks[i];
        if (series.Look == Look.Frontier) drawing.Line(x, y, x + 24, y, "frontier");
        else if (series.Look != Look.Points) drawing.Line(x, y, x + 24, y, $"line t{tint} d{shape}");
        if (series.Look != Look.Frontier) drawing.Path(Marker.Path(shape, x + 12, y, 4.5), $"mark t{tint}");
    });

    private double PaintX(double top, double bottom)
    {
        double baseline = bottom + 7 + (int)TextSize.Tick;
        var taken = new List<Box>();
        foreach (var (name, lane, edge) in new[] { (_x.HighName, _x.End, _x.High), (_x.LowName, _x.Start, _x.Low) })
        {
            if (name.Length == 0) continue;
            _drawing.Rectangle(new(Math.Min(lane, edge), top, Math.Max(lane, edge), bottom), "lane");
            double width = TextWidth.Of(name, TextSize.Tick), middle = Math.Min((lane + edge) / 2, _drawing.Width - 2 - width / 2);
            taken.Add(Drawing.BoxOf(middle, baseline, name, TextSize.Tick, Anchor.Middle));
            _drawing.Text(middle, baseline, name, TextSize.Tick, "soft", Anchor.Middle);
        }
        foreach (var tick in FittingTicks(baseline, taken))
        {
            double x = _x.At(tick.Value);
            if (tick.Label.Length > 0)
            {
                if (_chart.X.Log) _drawing.Line(x, top, x, bottom, "grid");
                _drawing.Text(x, baseline, tick.Label, TextSize.Tick, "soft", Anchor.Middle);
            }
            _drawing.Line(x, bottom, x, bottom + (tick.Label.Length > 0 ? 5 : 3), "axis");
        }
        _drawing.Line(_x.Start, bottom, _x.End, bottom, "axis");
        return baseline + 3;
    }

    /// <summary>As many ticks as there is room for their labels.</summary>
    private IReadOnlyList<Tick> FittingTicks(double baseline, List<Box> taken)
    {
        Box BoxOf(Tick tick) => Drawing.BoxOf(_x.At(tick.Value), baseline, tick.Label, TextSize.Tick, Anchor.Middle);
        for (int count = 12; ; count--)
        {
            IReadOnlyList<Tick> ticks = [.. _x.Ticks(count).Select(t =>
            {
                var box = BoxOf(t);
                return box.Left >= 0 && box.Right <= _drawing.Width && !taken.Exists(box.Overlaps) ? t : t with { Label = "" };
            })];
            var boxes = ticks.Where(t => t.Label.Length > 0).Select(BoxOf).ToList();
            if (boxes.Zip(boxes.Skip(1)).All(p => p.First.Right + 8 < p.Second.Left)) return ticks;
            if (count == 1) return [.. ticks.Select(t => t with { Label = "" })];
        }
    }

    private IEnumerable<double> Guided(bool vertical) => _chart.Guides.Where(g => g.Vertical == vertical).Select(g => g.Value);

    private static IEnumerable<double> Ends(DataPoint point) =>
        new[] { point.Low, point.High }.OfType<double>().Where(v => double.IsFinite(v) && v > 0);
}
