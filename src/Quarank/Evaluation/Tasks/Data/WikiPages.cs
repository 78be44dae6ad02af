namespace Quarank.Evaluation.Tasks.Data;

/// <summary>
/// WikiText's raw file cut into pages as the harness's <c>wikitext_document_level</c> has them: a page begins at a heading of the first
/// level (" = Title = ", not " = = Section = = ") and keeps its lines as they are.
/// </summary>
internal static class WikiPages
{
    public static IEnumerable<string> Of(string text)
    {
        var page = new List<string>();
        foreach (string line in text.Split('\n'))
        {
            if (BeginsPage(line))
            {
                if (!string.IsNullOrWhiteSpace(string.Concat(page))) yield return string.Join('\n', page);
                page.Clear();
            }
            page.Add(line);
        }
        yield return string.Join('\n', page);
    }

    private static bool BeginsPage(string line)
    {
        string marks = line.Replace("= = =", "===", StringComparison.Ordinal).Replace("= =", "==", StringComparison.Ordinal).Trim();
        return marks.StartsWith("= ", StringComparison.Ordinal) && marks.EndsWith(" =", StringComparison.Ordinal);
    }
}
