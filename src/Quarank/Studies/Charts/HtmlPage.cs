using System.Globalization;
using System.Text;

namespace Quarank.Studies.Charts;

/// <summary>
/// A page of figures and tables in one file: no network (its own policy forbids it), no script needed to read it, light or dark as
/// the reader has it, for wide and narrow screens and for paper. All text is escaped.
/// <code>new HtmlPage("Figure 2").Paragraph("…").Figure(chart).Table(table).Write("figure-2.html");</code>
/// </summary>
public sealed class HtmlPage(string title)
{
    private const int Narrow = 344;
    private readonly StringBuilder _body = new();
    private readonly List<(string Id, string Text)> _sections = [];

    public HtmlPage Heading(string text, int level = 2)
    {
        if (level is < 2 or > 4) throw new ArgumentException($"A heading of a page is of level 2, 3 or 4, not {level}.", nameof(level));
        string id = "";
        if (level == 2)
        {
            _sections.Add(($"s{_sections.Count + 1}", text));
            id = $" id=\"{_sections[^1].Id}\"";
        }
        return Add($"<h{level}{id}>{Drawing.Escape(text)}</h{level}>\n");
    }

    public HtmlPage Paragraph(string text) => Add($"<p>{Drawing.Escape(text)}</p>\n");

    /// <summary>Names and what they are, side by side.</summary>
    public HtmlPage Facts(params IEnumerable<(string Name, string Text)> facts) => Add(
        $"<dl>{string.Concat(facts.Select(f => $"<div><dt>{Drawing.Escape(f.Name)}</dt><dd>{Drawing.Escape(f.Text)}</dd></div>"))}</dl>\n");

    public HtmlPage Table(HtmlTable table) => Add(table.ToHtml());

    /// <summary>Text as it stands, such as JSON.</summary>
    public HtmlPage Verbatim(string text) => Add($"<pre tabindex=\"0\">{EscapeLines(text)}</pre>\n");

    /// <summary>A figure at its own width; a second drawing of it, laid out anew, serves narrow screens.</summary>
    public HtmlPage Figure(Figure figure) => Add(Drawn(figure));

    /// <summary>Figures beside one another, as many as fit: small multiples. A legend that they share stands once, above them.</summary>
    public HtmlPage Figures(IEnumerable<Figure> figures, Chart? legendOf = null) => Add(
        $"<div class=\"figures\">{(legendOf == null ? "" : ChartPainter.HtmlLegend(legendOf))}{string.Concat(figures.Select(Drawn))}</div>\n");

    /// <summary>Content that the reader opens when wanted; on paper it is left closed unless <paramref name="open"/>.</summary>
    public HtmlPage Details(string summary, Action<HtmlPage> content, bool open = false)
    {
        Add($"<details{(open ? " open" : "")}><summary>{Drawing.Escape(summary)}</summary>\n");
        content(this);
        return Add("</details>\n");
    }

    /// <summary>The file's text.</summary>
    public string ToHtml() => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
        <link rel="icon" href="data:,">
        <title>{Drawing.Escape(title)}</title>
        <style>
        {ChartStyle.Page()}{PageStyle.Sheet}</style>
        </head>
        <body>
        <header><h1>{Drawing.Escape(title)}</h1></header>
        {Contents()}<main>
        {_body}</main>
        <script>
        {PageStyle.Script}</script>
        </body>
        </html>

        """.ReplaceLineEndings("\n");

    /// <summary>Writes the file whole or not at all.</summary>
    public void Write(string path) => Pipeline.AtomicFile.WriteText(path, ToHtml());

    private static string Drawn(Figure figure) => figure.Width <= 400
        ? $"<figure>{figure.Inline()}</figure>"
        : $"<figure>{figure.Inline().Replace("class=\"chart\"", "class=\"chart wide\"", StringComparison.Ordinal)}"
            + $"{(figure with { Width = Narrow }).Inline().Replace("class=\"chart\"", "class=\"chart narrow\"", StringComparison.Ordinal)}</figure>";

    private string Contents() => _sections.Count < 3 ? "" : string.Create(CultureInfo.InvariantCulture,
        $"<nav>{string.Concat(_sections.Select(s => $"<a href=\"#{s.Id}\">{Drawing.Escape(s.Text)}</a>"))}</nav>\n");

    private static string EscapeLines(string text) => string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(Drawing.Escape));

    private HtmlPage Add(string html)
    {
        _body.Append(html);
        return this;
    }
}
