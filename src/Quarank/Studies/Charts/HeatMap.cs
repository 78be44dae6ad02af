namespace Quarank.Studies.Charts;

/// <summary>
/// Values as colours in a table, as a rank map (layer kinds down, blocks across):
/// <code>new HeatMap("Rank", ["q_proj", …], [.. blocks.Select(b => $"{b}")], (row, column) => ranks[row, column], new Axis("rank")) { Across = "block" }</code>
/// Null is a place where there is nothing; a value that is not finite is crossed out.
/// </summary>
/// <param name="Scale">The quantity, its unit, and whether colours follow its logarithm.</param>
public sealed record HeatMap(
    string Title, IReadOnlyList<string> Rows, IReadOnlyList<string> Columns, Func<int, int, double?> Value, Axis Scale) : Figure(Title)
{
    /// <summary>What the columns are: "block".</summary>
    public string Across { get; init; } = "";

    private static readonly int[] Strides = [1, 2, 5, 10, 20, 50, 100, 200, 500];

    internal override string Describe() =>
        $"{Note} Colour: {Scale.Title}. Down: {string.Join(", ", Rows)}. Across: {Columns.Count} {(Across.Length > 0 ? Across : "column")}s.".TrimStart();

    internal override void Draw(Drawing drawing)
    {
        double top = DrawHead(drawing);
        var cells = (from row in Enumerable.Range(0, Rows.Count)
                     from column in Enumerable.Range(0, Columns.Count)
                     let value = Value(row, column)
                     where value != null
                     select (row, column, value.Value)).ToList();
        var scale = new AxisScale(Scale, cells.Select(c => c.Value));
        top = DrawScale(drawing, scale, top);

        double left = 12 + Rows.Append("").Max(r => TextWidth.Of(r, TextSize.Tick)), size = (drawing.Width - left - 8) / Math.Max(1, Columns.Count);
        double height = Math.Clamp(size, 15, 22), bottom = top + Rows.Count * height, gap = size > 8 ? 0.5 : 0;
        for (int row = 0; row < Rows.Count; row++)
            drawing.Text(left - 6, top + (row + 0.5) * height + 4, Rows[row], TextSize.Tick, "soft", Anchor.End);
        foreach (var (row, column, value) in cells)
        {
            var box = new Box(left + column * size + gap, top + row * height + gap, left + (column + 1) * size - gap, top + (row + 1) * height - gap);
            string words = $"{Rows[row]}, {Across} {Columns[column]}\n{Scale.Title}: {scale.Say(value)}";
            bool inside = scale.LaneOf(value) == Lane.Inside;
            drawing.Rectangle(box, inside ? "cell" : "none", words, inside ? ColourScale.At(Place(scale, value)) : null);
            if (inside) continue;
            double middle = (box.Left + box.Right) / 2;
            drawing.Path(Marker.Broken(middle, (box.Top + box.Bottom) / 2, Math.Min(4, size * 0.3)), "cross", words);
        }
        DrawColumns(drawing, left, size, bottom);
    }

    private void DrawColumns(Drawing drawing, double left, double size, double bottom)
    {
        double widest = Columns.Append("").Max(c => TextWidth.Of(c, TextSize.Tick)) + 8, y = bottom + 4 + (int)TextSize.Tick;
        int stride = Strides.FirstOrDefault(s => s * size >= widest, Columns.Count);
        for (int column = 0; column < Columns.Count; column += stride)
            drawing.Text(left + (column + 0.5) * size, y, Columns[column], TextSize.Tick, "soft", Anchor.Middle);
        if (Across.Length > 0)
            drawing.Text((left + drawing.Width - 8) / 2, y += TextSize.Note.LineHeight() + 2, Across, TextSize.Note, "ink", Anchor.Middle);
        drawing.Height = Math.Ceiling(y + 8);
    }

    /// <summary>The colours with round numbers under them, at the top.</summary>
    private static double DrawScale(Drawing drawing, AxisScale scale, double top)
    {
        double width = Math.Min(260, drawing.Width - 40), left = 8, y = top + TextSize.Note.LineHeight();
        string title = TextWidth.Fit(scale.Title, TextSize.Note, drawing.Width - 8);
        drawing.Text(4, y, title, TextSize.Note, "ink", words: title == scale.Title ? null : scale.Title);
        y += 7;
        const int steps = 52;
        for (int i = 0; i < steps; i++)
            drawing.Rectangle(new(left + i * width / steps, y, left + (i + 1) * width / steps + 0.3, y + 10), "cell", fill: ColourScale.At((i + 0.5) / steps));
        scale.Span(left, left + width);
        double last = double.NegativeInfinity, baseline = y + 14 + (int)TextSize.Tick;
        foreach (var tick in scale.Ticks(5))
        {
            double x = left + Place(scale, tick.Value) * width;
            var box = Drawing.BoxOf(x, baseline, tick.Label, TextSize.Tick, Anchor.Middle);
            drawing.Line(x, y + 10, x, y + (tick.Label.Length > 0 ? 15 : 13), "axis");
            if (tick.Label.Length == 0 || box.Left < Math.Max(0, last + 6) || box.Right > drawing.Width) continue;
            drawing.Text(x, baseline, tick.Label, TextSize.Tick, "soft", Anchor.Middle);
            last = box.Right;
        }
        return baseline + 12;
    }

    private static double Place(AxisScale scale, double value) => (scale.At(value) - scale.Low) / (scale.High - scale.Low);
}
