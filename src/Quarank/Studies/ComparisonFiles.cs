using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>A comparison as JSON, Markdown and one HTML page in a folder.</summary>
public static class ComparisonFiles
{
    /// <summary>Writes all three, each whole or not at all.</summary>
    public static void Write(Comparison comparison, string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteText(Path.Combine(folder, Comparison.FileName), comparison.ToJson());
        AtomicFile.WriteText(Path.Combine(folder, ComparisonMarkdown.FileName), ComparisonMarkdown.Of(comparison));
        HtmlReport.Write(comparison, Path.Combine(folder, HtmlReport.FileName));
    }
}
