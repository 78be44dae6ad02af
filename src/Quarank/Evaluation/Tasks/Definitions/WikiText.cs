using System.Text.RegularExpressions;

namespace Quarank.Evaluation.Tasks.Definitions;

/// <summary>
/// WikiText-2's pages as they would be printed (Merity et al. 2016, arXiv:1609.07843): perplexity for each word and byte of the source. Not
/// comparable with the perplexity of tokens that papers report.
/// </summary>
internal static partial class WikiText
{
    // What the source parts by spaces, and how it is printed; applied one after the other.
    private static readonly (string From, string To)[] Marks =
    [
        (" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."),
        (" : ", ": "), (" ; ", "; "), (" . ", ". "), (" ! ", "! "), (" ? ", "? "), (" , ", ", "),
    ];

    private static readonly (string From, string To)[] Rest =
    [
        ("= = = =", "===="), ("= = =", "==="), ("= =", "=="), (" ° ", "°"), (" \n", "\n"), ("\n ", "\n"), (" N ", " 1 "), (" 's", "'s"),
    ];

    public static TaskDefinition Task { get; } = new()
    {
        Name = "wikitext",
        Version = 2,
        Kind = TaskKind.WholeText,
        Data = new("EleutherAI/wikitext_document_level", "wikitext-2-raw-v1", "page", "wikitext_document_level/wikitext-2-raw-v1", "wikitext",
            "wikitext-2-raw-v1", "wikitext-2-raw/wiki", "wikitext/wiki"),
        Split = "test",
        ExampleSplit = null,
        Metrics = ["word_perplexity", "byte_perplexity", "bits_per_byte"],
        Read = d => Question.Whole(Print(d.Text("page")), d.Text("page")),
    };

    /// <summary>Puts the words of the source together.</summary>
    internal static string Print(string page)
    {
        // The pattern of the third rule is the harness's own: it asks for slashes, so it hardly ever applies.
        string text = SlashedYear().Replace(page.Replace("s '", "s'", StringComparison.Ordinal), "/'[0-9]/");
        text = Replace(text, Marks);
        text = Round().Replace(text, "($1)");
        text = Square().Replace(text, "[$1]");
        text = Curly().Replace(text, "{$1}");
        text = Double().Replace(text, "\"$1\"");
        text = Single().Replace(text, "'$1'");
        return Replace(text, Rest);
    }

    private static string Replace(string text, (string From, string To)[] rules) =>
        rules.Aggregate(text, (t, rule) => t.Replace(rule.From, rule.To, StringComparison.Ordinal));

    [GeneratedRegex("/' [0-9]/")]
    private static partial Regex SlashedYear();

    [GeneratedRegex(@"\(\s*([^\)]*?)\s*\)")]
    private static partial Regex Round();

    [GeneratedRegex(@"\[\s*([^\]]*?)\s*\]")]
    private static partial Regex Square();

    [GeneratedRegex(@"{\s*([^}]*?)\s*}")]
    private static partial Regex Curly();

    [GeneratedRegex(@"""\s*([^""]*?)\s*""")]
    private static partial Regex Double();

    [GeneratedRegex(@"'\s*([^']*?)\s*'")]
    private static partial Regex Single();
}
