using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>A recipe under the name that it has in the table.</summary>
public sealed record NamedRecipe(string Name, Recipe Recipe);

/// <summary>What to compare.</summary>
/// <param name="ModelFolder">The dense model.</param>
/// <param name="Recipes">Their own calibration does not count; <paramref name="Calibration"/> is that of all.</param>
/// <param name="Sizes">Every recipe is brought to every size.</param>
/// <param name="TextName">What the text is called in the report.</param>
/// <param name="Text">Foretold by every model.</param>
/// <param name="OutFolder">For the report; finished work is kept under it.</param>
public sealed record ComparisonRequest(
    string ModelFolder, IReadOnlyList<NamedRecipe> Recipes, IReadOnlyList<ComparisonSize> Sizes, CalibrationSettings Calibration,
    string TextName, string Text, string OutFolder)
{
    /// <summary>Tokens in a segment of the text; null: 2,048, or the model's context when that is shorter.</summary>
    public int? Length { get; init; }

    /// <summary>At most so many segments; null takes all.</summary>
    public int? Segments { get; init; }

    /// <summary>Overrules what the recipes say.</summary>
    public Propagation? Propagate { get; init; }

    /// <summary>By how many percent of a size's bits per weight a recipe may exceed it when it has no setting nearer below.</summary>
    public double Tolerance { get; init; } = 2;

    /// <summary>Keep the compressed models; otherwise each is deleted when it has been measured.</summary>
    public bool Keep { get; init; }

    /// <summary>Do again what was finished earlier.</summary>
    public bool Fresh { get; init; }

    /// <summary>Also work out the spectra of the original's layers.</summary>
    public bool Spectra { get; init; }

    /// <summary>A folder of Gram matrices of the original model to use or fill; null keeps them under the out folder.</summary>
    public string? Statistics { get; init; }
}

/// <summary>A size that recipes are brought to: just one of the three is given.</summary>
/// <param name="BitsPerWeight">Over the linear layers, every stored bit counted.</param>
/// <param name="Bytes">Of all weight files.</param>
/// <param name="Like">What this recipe takes as it is written.</param>
public sealed record ComparisonSize(double? BitsPerWeight = null, long? Bytes = null, NamedRecipe? Like = null);

/// <summary>How far a comparison is.</summary>
/// <param name="Fraction">Of everything, 0 … 1.</param>
/// <param name="Doing">At what, in words.</param>
/// <param name="Finished">A row that has just been finished, or found among what was finished earlier.</param>
public readonly record struct ComparisonProgress(double Fraction, string Doing, ComparisonRow? Finished = null);
