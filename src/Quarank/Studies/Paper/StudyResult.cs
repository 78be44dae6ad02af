using System.Text.Json;
using System.Text.Json.Serialization;
using Quarank.Pipeline;
using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>One of the papers' studies, done again on a model: stands as <c>study.json</c> beside <c>study.md</c> and the plots.</summary>
/// <param name="Study">blocks, bits, rank, spectra, methods or gap.</param>
/// <param name="Paper">What the paper prints, for its own models.</param>
/// <param name="Tables">What was found here.</param>
/// <param name="Claims">The paper's statements, each held to the figures found.</param>
/// <param name="Reading">Sentences that follow from the figures.</param>
public sealed record StudyResult(
    string Study, string Title, StudySetting Setting, IReadOnlyList<StudyTable> Paper, IReadOnlyList<StudyTable> Tables, IReadOnlyList<Claim> Claims,
    IReadOnlyList<string> Reading)
{
    public const string JsonName = "study.json", MarkdownName = "study.md", PageName = "study.html";

    /// <summary>Of this JSON.</summary>
    public int Version { get; init; } = 1;

    /// <summary>The figures behind the tables of blocks, bits and methods.</summary>
    public IReadOnlyList<StudyRow>? Rows { get; init; }

    /// <summary>The figures behind rank and spectra: all layers together, then each kind.</summary>
    public IReadOnlyList<EnergyCurve>? Curves { get; init; }

    /// <summary>Layer by layer, for rank and spectra.</summary>
    public IReadOnlyList<LayerEnergy>? Layers { get; init; }

    /// <summary>The figures behind gap.</summary>
    public IReadOnlyList<GapPoint>? Gap { get; init; }

    /// <summary>The plots and their files' names.</summary>
    [JsonIgnore] public IReadOnlyList<(string File, Figure Figure)> Figures { get; init; } = [];

    /// <summary>Indented; numbers that are not finite are written as the strings "Infinity" and "NaN".</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RunJson.Options);

    /// <summary>
    /// Writes study.md, study.html, the plots and, last, study.json, each by rename; an older study in the folder is replaced.
    /// </summary>
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var (file, figure) in Figures) figure.Write(Path.Combine(folder, file));
        AtomicFile.WriteText(Path.Combine(folder, MarkdownName), StudyMarkdown.Of(this));
        StudyPage.Of(this).Write(Path.Combine(folder, PageName));
        AtomicFile.WriteText(Path.Combine(folder, JsonName), ToJson());
    }
}

/// <summary>On what a study was made.</summary>
/// <param name="Model">The last part of its path.</param>
/// <param name="Texts">What was foretold; empty where nothing was.</param>
public sealed record StudySetting(
    string Program, string Blas, string Model, string ModelHash, ComparedCalibration Calibration, Propagation Propagate, IReadOnlyList<DenseScore> Texts);

/// <summary>A text, and how the original model foretells it.</summary>
public sealed record DenseScore(ComparedText Text, double Perplexity, double StandardError);

/// <summary>Cells as they are read; the numbers themselves stand elsewhere in the JSON.</summary>
/// <param name="Note">Where the figures come from, and what they count.</param>
public sealed record StudyTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows, string Note = "");

/// <summary>A statement of the paper, and what became of it here.</summary>
/// <param name="Source">Where it stands: "Table 3", "§5.1".</param>
/// <param name="Rule">When we say that it holds.</param>
/// <param name="Found">The figures that decide.</param>
/// <param name="Holds">Null where the figures cannot tell.</param>
/// <param name="Distinct">Whether the figures that decide lie more than two standard errors apart.</param>
public sealed record Claim(string Statement, string Source, string Rule, string Found, bool? Holds, bool Distinct = true)
{
    [JsonIgnore]
    public string Verdict => (Holds, Distinct) switch
    {
        (null, _) => "cannot be said",
        (true, true) => "holds",
        (false, true) => "does not hold",
        (true, false) => "holds, within the noise",
        (false, false) => "does not hold, within the noise",
    };
}
