using Quarank.Evaluation.Tasks;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>A recipe under the name that it has in the table.</summary>
public sealed record NamedRecipe(string Name, Recipe Recipe)
{
    /// <summary>The recipe of a size in bits per weight, where that decides which one it is.</summary>
    public Func<double, Recipe>? BySize { get; init; }

    /// <summary>The recipe to bring to this size.</summary>
    /// <exception cref="InvalidDataException">There is none for it.</exception>
    public Recipe At(double bitsPerWeight) => BySize?.Invoke(bitsPerWeight) ?? Recipe;

    /// <summary>The same under its name, changed.</summary>
    public NamedRecipe With(Func<Recipe, Recipe> change) => new(Name, change(Recipe)) { BySize = BySize is { } own ? bits => change(own(bits)) : null };
}

/// <summary>A text under the name that it has in the table.</summary>
public sealed record NamedText(string Name, string Text);

/// <summary>What to compare.</summary>
/// <param name="ModelFolder">The dense model.</param>
/// <param name="Recipes">Their own calibration does not count; <paramref name="Calibration"/> is that of all.</param>
/// <param name="Sizes">Every recipe is brought to every size.</param>
/// <param name="Texts">Foretold by every model; the first one counts most.</param>
/// <param name="OutFolder">For the report; finished work is kept under it.</param>
public sealed record ComparisonRequest(
    string ModelFolder, IReadOnlyList<NamedRecipe> Recipes, IReadOnlyList<ComparisonSize> Sizes, CalibrationSettings Calibration,
    IReadOnlyList<NamedText> Texts, string OutFolder)
{
    /// <summary>Asked of every model.</summary>
    public IReadOnlyList<PreparedTask> Tasks { get; init; } = [];

    /// <summary>Names of the recipes to measure now; the others are shown as far as they were measured before. Null: all.</summary>
    public IReadOnlyList<string>? Only { get; init; }

    /// <summary>Sizes in bits per weight to measure now, likewise.</summary>
    public IReadOnlyList<double>? OnlySizes { get; init; }

    /// <summary>Tokens in a segment of a text; null: 2,048, or the model's context when that is shorter.</summary>
    public int? Length { get; init; }

    /// <summary>At most so many segments of each text; null takes all.</summary>
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
