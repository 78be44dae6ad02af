using System.Globalization;
using System.Text;

namespace Quarank.Studies.Charts;

internal enum Anchor { Start, Middle, End }

/// <summary>A rectangle that something drawn covers.</summary>
internal readonly record struct Box(double Left, double Top, double Right, double Bottom)
{
    public bool Overlaps(Box other) => Left < other.Right && other.Left < Right && Top < other.Bottom && other.Top < Bottom;

    public bool Contains(Box other) => Left <= other.Left && Top <= other.Top && Right >= other.Right && Bottom >= other.Bottom;

    public static Box Around(double x, double y, double radius) => new(x - radius, y - radius, x + radius, y + radius);
}

/// <summary>A text and the room it takes at most.</summary>
internal readonly record struct PlacedText(string Text, Box Box);

/// <summary>Collects SVG elements; remembers where words stand. Colours are names of classes: see <see cref="ChartStyle"/>.</summary>
internal sealed class Drawing(double width)
{
    private readonly StringBuilder _body = new();

    public double Width { get; } = width;

    /// <summary>Set by who draws, last.</summary>
    public double Height { get; set; }

    public List<PlacedText> Texts { get; } = [];

    public string Body => _body.ToString();

    public string Open(Figure figure, bool standAlone)
    {
        string size = $"width=\"{N(Width)}\" height=\"{N(Height)}\" viewBox=\"0 0 {N(Width)} {N(Height)}\"";
        return $"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" {size} role=\"img\" aria-label=\"{Escape(figure.Title)}\">"
            + (standAlone ? $"<title>{Escape(figure.Title)}</title>" : "")
            + $"<desc>{Escape(figure.Description ?? figure.Describe())}</desc>";
    }

    public void Line(double x1, double y1, double x2, double y2, string classes) =>
        _body.Append($"<path class=\"{classes}\" d=\"M{N(x1)} {N(y1)}L{N(x2)} {N(y2)}\"/>");

    /// <summary>A path; <paramref name="words"/> are shown when the pointer rests on it.</summary>
    public void Path(string data, string classes, string? words = null)
    {
        _body.Append($"<path class=\"{classes}\" d=\"{data}\"");
        Close("path", words);
    }

    public void Rectangle(Box box, string classes, string? words = null, string? fill = null)
    {
        _body.Append($"<rect class=\"{classes}\" x=\"{N(box.Left)}\" y=\"{N(box.Top)}\" width=\"{N(box.Right - box.Left)}\" ");
        _body.Append($"height=\"{N(box.Bottom - box.Top)}\"");
        if (fill != null) _body.Append($" fill=\"{fill}\"");
        Close("rect", words);
    }

    /// <summary>A text with its baseline at <paramref name="y"/>.</summary>
    public void Text(double x, double y, string text, TextSize size, string classes, Anchor anchor = Anchor.Start, string? words = null)
    {
        Texts.Add(new(text, BoxOf(x, y, text, size, anchor)));
        string kind = size switch { TextSize.Tick => "tick", TextSize.Title => "title", _ => "note" };
        string at = anchor switch { Anchor.Middle => " middle", Anchor.End => " end", _ => "" };
        _body.Append($"<text class=\"{kind} {classes}{at}\" x=\"{N(x)}\" y=\"{N(y)}\">{Escape(text)}");
        if (words != null) _body.Append($"<title>{Escape(words)}</title>");
        _body.Append("</text>");
    }

    public static Box BoxOf(double x, double y, string text, TextSize size, Anchor anchor)
    {
        double width = TextWidth.Of(text, size);
        double left = anchor switch { Anchor.Middle => x - width / 2, Anchor.End => x - width, _ => x };
        return new(left, y - 0.80 * (int)size, left + width, y + 0.24 * (int)size);
    }

    /// <summary>Draws another figure with its upper left corner at a place.</summary>
    public void Nest(Drawing inner, double x, double y)
    {
        _body.Append($"<g transform=\"translate({N(x)} {N(y)})\">{inner._body}</g>");
        foreach (var (text, box) in inner.Texts)
            Texts.Add(new(text, new(box.Left + x, box.Top + y, box.Right + x, box.Bottom + y)));
    }

    /// <summary>A coordinate: a hundredth of a pixel is enough, a point is a point in every country.</summary>
    public static string N(double value) => Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture) is "-0" ? "0"
        : Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>Safe in elements and in attributes; characters that XML cannot hold become a replacement character.</summary>
    public static string Escape(string text)
    {
        var safe = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) // a lone surrogate comes as U+FFFD
        {
            _ = rune.Value switch
            {
                '&' => safe.Append("&amp;"),
                '<' => safe.Append("&lt;"),
                '>' => safe.Append("&gt;"),
                '"' => safe.Append("&quot;"),
                '\'' => safe.Append("&#39;"),
                '\t' or '\n' or '\r' => safe.Append(' '),
                < 32 or 0xfffe or 0xffff => safe.Append('\ufffd'),
                _ => safe.Append(rune),
            };
        }
        return safe.ToString();
    }

    private void Close(string element, string? words) =>
        _body.Append(words == null ? "/>" : $"><title>{Escape(words)}</title></{element}>");
}
