using System.Text;

namespace Quarank.Studies.Charts;

/// <summary>
/// A picture made of plain numbers: <see cref="Chart"/>, <see cref="BarChart"/>, <see cref="HeatMap"/>, or several as <see cref="Panels"/>.
/// The same numbers give the same bytes. Sizes are in pixels; the height follows from the content unless it is given.
/// </summary>
/// <param name="Title">What is seen, in a few words; also the name that a screen reader says.</param>
public abstract record Figure(string Title)
{
    /// <summary>A sentence under the title: what was measured, on what, which direction is good.</summary>
    public string Note { get; init; } = "";

    /// <summary>What the picture shows, for those who cannot see it; null: made from titles, axes and the names of the series.</summary>
    public string? Description { get; init; }

    public int Width { get; init; } = 720;

    /// <summary>A whole file, dark on white, which needs nothing else: for a paper or a README.</summary>
    public string Svg()
    {
        var drawing = Drawn();
        return $"{drawing.Open(this, standAlone: true)}<style>{ChartStyle.Fixed()}</style>"
            + $"<rect class=\"paper\" width=\"100%\" height=\"100%\"/>{drawing.Body}</svg>\n";
    }

    /// <summary>The picture as part of an HTML page, with the colours that <see cref="ChartStyle.Page"/> gives it there.</summary>
    public string Inline()
    {
        var drawing = Drawn();
        return $"{drawing.Open(this, standAlone: false)}{drawing.Body}</svg>";
    }

    /// <summary>Writes <see cref="Svg"/> whole or not at all.</summary>
    public void Write(string path) => Pipeline.AtomicFile.WriteText(path, Svg());

    /// <summary>What the drawing says in words.</summary>
    internal abstract string Describe();

    internal abstract void Draw(Drawing drawing);

    internal Drawing Drawn()
    {
        if (Width < 200) throw new ArgumentException($"A figure of {Width} pixels is too narrow for its words; the least is 200.");
        var drawing = new Drawing(Width);
        Draw(drawing);
        return drawing;
    }

    private protected double DrawHead(Drawing drawing)
    {
        double y = 4;
        foreach (string line in TextWidth.Wrap(Title, TextSize.Title, drawing.Width - 8))
            drawing.Text(4, y += TextSize.Title.LineHeight(), line, TextSize.Title, "ink");
        if (Note.Length > 0)
        {
            foreach (string line in TextWidth.Wrap(Note, TextSize.Note, drawing.Width - 8))
                drawing.Text(4, y += TextSize.Note.LineHeight(), line, TextSize.Note, "soft");
        }
        return y + 8;
    }
}
