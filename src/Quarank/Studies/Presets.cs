using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>The best recipe known for a range of sizes.</summary>
/// <param name="From">Bits per weight, included.</param>
/// <param name="To">Bits per weight, not included.</param>
/// <param name="Recipe">As <see cref="RecipeShorthand"/> reads it; brought to the size that is asked for.</param>
/// <param name="Why">The measured figures that the choice rests on.</param>
/// <param name="Source">Where they were measured.</param>
public sealed record Preset(double From, double To, string Recipe, string Why, string Source)
{
    /// <summary>Which one and why, in a line.</summary>
    public override string ToString() => $"{Recipe} is the best recipe known from {NumberOf(From)} to {NumberOf(To)} bits per weight: {Why} ({Source})";

    private static string NumberOf(double bits) => FormattableString.Invariant($"{bits:0.##}");
}

/// <summary>Recipes for those who say a size and no method. The table follows docs/results.md; a line is a range.</summary>
public static class Presets
{
    /// <summary>What the preset of a size is called among recipes.</summary>
    public const string Word = "best";

    // Per cent by which a preset may exceed the size where no setting is nearer below.
    private const double Tolerance = 2;

    private const string First = "SmolLM2-135M-Instruct, 8 x 2,048 tokens of WikiText-2, dense 19.23; docs/results.md";

    /// <summary>Ascending, without gaps.</summary>
    public static IReadOnlyList<Preset> All { get; } =
    [
        new(1.9, 2.06, "trellis:stateBits=12", "perplexity 44.86 at 2.00 bits against 50.6 of the lattice and 1,177 of lordq-best", First),
        new(2.06, 2.48, "trellis+eora:factorBits=4", "perplexity 37.10 at 2.23 bits against 44.86 of a trellis alone at 2.00 and 40.85 of caldera at 2.37", First),
        new(2.48, 2.56, "trellis:bits=2.5,stateBits=12", "perplexity 28.10 at 2.50 bits against 40.85 of caldera at 2.37", First),
        new(2.56, 2.95, "trellis:bits=2.5+eora:factorBits=4", "a trellis alone has perplexity 28.10 at 2.50 bits and no size up to 3; factors beside one bring 44.86 at 2.00 bits to 37.10 at 2.23", First),
        new(2.95, 3.06, "trellis:bits=3,stateBits=12", "perplexity 22.91 at 3.00 bits against 51.53 of GPTQ in groups of 64 at 3.30 and 55.1 of lordq-best", First),
        new(3.06, 3.48, "trellis:bits=3,stateBits=12+eora:factorBits=4", "perplexity 22.46 at 3.23 bits against 22.91 of a trellis alone at 3.00 and 51.53 of GPTQ in groups of 64 at 3.30", First),
        new(3.48, 3.56, "trellis:bits=3.5,stateBits=14", "mean error of 21 matrices 0.0026 against 0.0050 of a trellis at 3.00 bits, whose perplexity is 22.91, and 0.0022 of the lattice at 4.00", First),
        new(3.56, 3.95, "trellis:bits=3.5,stateBits=14+eora:factorBits=4", "mean error of 21 matrices 0.0026 of a trellis alone at 3.50 bits, which has no size up to 4", First),
        new(3.95, 4.2, "lattice:bits=4", "perplexity 20.48 at 4.00 bits, against 22.91 of a trellis at 3.00; a trellis of 4 bits has 0.55 of its errors for twelve times its time", First),
        new(4.2, 8.5, "gptq:clip", "at 3 bits a row perplexity 109.7 against 186.9 without the search of ranges and 533 of plain rounding", First),
    ];

    /// <summary>The preset as a recipe of a comparison, another one at every size.</summary>
    public static NamedRecipe Named => new(Word, RecipeAt(4)) { BySize = RecipeAt };

    /// <summary>The preset of a size.</summary>
    /// <exception cref="InvalidDataException">There is none; the message says from where to where there is.</exception>
    public static Preset At(double bitsPerWeight) =>
        All.FirstOrDefault(p => bitsPerWeight >= p.From && bitsPerWeight < p.To) ?? throw new InvalidDataException(FormattableString.Invariant(
            $"Recipes are known from {All[0].From:0.##} to {All[^1].To:0.##} bits per weight, not for {bitsPerWeight:0.##}; give a method."));

    /// <summary>The preset of a size, brought to it on a model.</summary>
    /// <param name="choice">Which recipe it is and why, in a line.</param>
    /// <exception cref="InvalidDataException">There is none for the size, or it cannot come near it on this model.</exception>
    public static Recipe Bring(double bitsPerWeight, Checkpoint checkpoint, ModelSpec spec, out string choice)
    {
        var preset = At(bitsPerWeight);
        var sizes = new ModelSizes(checkpoint, spec);
        var (recipe, refusal) = SizeFitting.Bring(RecipeAt(bitsPerWeight), bitsPerWeight, Tolerance, sizes);
        if (recipe is null)
            throw new InvalidDataException(FormattableString.Invariant($"{preset.Recipe}, the best recipe known at {bitsPerWeight:0.##} bits per weight, cannot have that size here: {refusal}; give a method."));
        choice = FormattableString.Invariant($"{preset}; here: {ComparisonText.Describe(recipe)}, {sizes.BitsPerWeightOf(recipe):0.000} bits per weight");
        return recipe;
    }

    /// <summary>The preset's recipe, before it is brought to the size.</summary>
    /// <inheritdoc cref="At" path="/exception"/>
    public static Recipe RecipeAt(double bitsPerWeight) => RecipeShorthand.One(At(bitsPerWeight).Recipe, null).Recipe;
}
