using Quarank.Compression;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>Brings recipes to a size, by the knobs that their methods leave free.</summary>
internal static class SizeFitting
{
    // Where a recipe that cannot have a size may have its nearest one, as parts of what was asked for.
    private static readonly double[] Around = [1.02, 0.98, 1.05, 0.95, 1.1, 0.9, 1.2, 0.8, 1.4, 0.7, 1.7, 0.6, 2, 0.5, 3, 4, 8];

    /// <summary>
    /// The recipe at <paramref name="bitsPerWeight"/>: as it is written when it has that size already; else its method's nearest
    /// setting, which may exceed the size by <paramref name="tolerance"/> percent when it then misses by less than below.
    /// </summary>
    /// <returns>The recipe, or why there is none.</returns>
    public static (Recipe? Recipe, string? Refusal) Bring(Recipe recipe, double bitsPerWeight, double tolerance, ModelSizes sizes)
    {
        if (!(bitsPerWeight > 0)) return (null, "the tensors that stay as they are take more than that alone");
        double? written = Written(recipe, sizes, out string? problem);
        if (written is { } w && Math.Abs(w / bitsPerWeight - 1) <= Method.Excess) return (recipe, null);
        double above = 1 + tolerance / 100, below = 1 - tolerance / 100;
        if (recipe.Layers is not null)
        {
            if (written / bitsPerWeight <= above && written / bitsPerWeight >= below) return (recipe, null);
            return (null, problem ?? FormattableString.Invariant(
                $"its layers have methods of their own, which stay as written: {written:0.000} bits per weight"));
        }
        var best = new[] { bitsPerWeight, bitsPerWeight * (above - Method.Excess) }
            .Select(b => At(recipe, b, sizes)).OfType<Recipe>().Select(r => (Recipe: r, Size: sizes.BitsPerWeightOf(r) / bitsPerWeight))
            .Where(f => f.Size <= above).OrderBy(f => Math.Abs(f.Size - 1)).FirstOrDefault();
        if (best.Recipe is not null) return (best.Recipe, null);
        if (written is { } own && own / bitsPerWeight <= above && own / bitsPerWeight >= below) return (recipe, null);
        return (null, problem ?? Nearest(recipe, bitsPerWeight, sizes));
    }

    private static Recipe? At(Recipe recipe, double bitsPerWeight, ModelSizes sizes) =>
        recipe.Method.AtBitsPerWeight(bitsPerWeight, sizes.Shapes) is { } method ? recipe with { Method = method } : null;

    private static double? Written(Recipe recipe, ModelSizes sizes, out string? problem)
    {
        problem = null;
        try
        {
            return sizes.BitsPerWeightOf(recipe);
        }
        catch (InvalidDataException e)
        {
            problem = e.Message;
            return null;
        }
    }

    private static string Nearest(Recipe recipe, double bitsPerWeight, ModelSizes sizes)
    {
        double[] near = [.. Around.Select(a => At(recipe, a * bitsPerWeight, sizes)).OfType<Recipe>()
            .Select(sizes.BitsPerWeightOf).OrderBy(size => Math.Abs(size - bitsPerWeight)).Take(1)];
        if (near is [var size])
            return FormattableString.Invariant($"the nearest it can have is {size:0.000} bits per weight, {100 * (size / bitsPerWeight - 1):+0.0;-0.0} %");
        return FormattableString.Invariant($"it has no knob for its size; as written it takes {sizes.BitsPerWeightOf(recipe):0.000} bits per weight");
    }
}
