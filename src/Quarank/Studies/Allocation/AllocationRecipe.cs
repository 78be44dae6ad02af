using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Compression;
using Quarank.Pipeline;

namespace Quarank.Studies.Allocation;

/// <summary>What a layer's change is charged with when choices are weighed against one another.</summary>
public enum LossMeasure
{
    /// <summary>
    /// KL(dense ‖ model with only this layer changed) of next-token distributions on probe sequences. Comparable between methods
    /// of different kinds.
    /// </summary>
    Kl,

    /// <summary>The relative output error tr(D H Dᵀ) / tr(W H Wᵀ): free, but between kinds of methods it ranks wrongly.</summary>
    Loss,
}

/// <summary>What an allocation makes least.</summary>
public enum AllocationRule
{
    /// <summary>The sum over all layers of what their changes are charged with: a knapsack.</summary>
    Sum,

    /// <summary>The largest that any layer's change is charged with: ASVD's search for ratios (arXiv:2312.05821).</summary>
    Worst,
}

/// <summary>Which changes are measured, rather than scaled from a measured one.</summary>
public enum ProbeRule
{
    /// <summary>
    /// In each layer one change by every kind of method; the others of that kind are taken to do harm in proportion to their
    /// relative output error.
    /// </summary>
    Kinds,

    /// <summary>Every choice in every layer.</summary>
    All,
}

/// <summary>The text that divergences are measured on: the first tokens of the calibration sequences.</summary>
/// <param name="Samples">Sequences; 4, or as many as there are, when absent.</param>
/// <param name="Length">Tokens in each; 512, or as many as there are, when absent.</param>
public sealed record ProbeSettings(int? Samples = null, int? Length = null, ProbeRule Measure = ProbeRule.Kinds)
{
    private const int UsualSamples = 4, UsualLength = 512;

    internal int SamplesOf(CalibrationSettings calibration) => Samples ?? Math.Min(UsualSamples, calibration.Samples);

    internal int LengthOf(CalibrationSettings calibration) => Length ?? Math.Min(UsualLength, calibration.Length);
}

/// <summary>
/// A recipe that leaves the method of each layer open: some choices, and one budget for all of them together. It becomes a plain
/// <see cref="Recipe"/> with <see cref="Recipe.Layers"/> by <see cref="Allocator"/>.
/// </summary>
/// <param name="Choices">At least one; a budget in one of them (LoRDQ's) is that of a model compressed with it alone.</param>
/// <param name="BitsPerWeight">Stored bits of all compressed layers, by their weights; never exceeded.</param>
public sealed record AllocationRecipe(IReadOnlyList<Method> Choices, double BitsPerWeight, CalibrationSettings Calibration)
{
    public LossMeasure Sensitivity { get; init; } = LossMeasure.Kl;

    public AllocationRule Rule { get; init; } = AllocationRule.Sum;

    public ProbeSettings Probes { get; init; } = new();

    /// <summary>Of the run that follows; choices are weighed on the original's activations.</summary>
    public Propagation Propagate { get; init; } = Propagation.Compressed;

    /// <summary>As in <see cref="Recipe.Order"/>.</summary>
    public Order Order { get; init; } = Order.Block;

    /// <summary>As in <see cref="Recipe.Seed"/>.</summary>
    public int Seed { get; init; }

    /// <summary>Whether a file of recipes is of this kind: it has the key <c>choices</c>.</summary>
    public static bool IsIn(string path)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(path), documentOptions: RecipeJson.Lenient) is JsonObject json
                && json.ContainsKey("choices");
        }
        catch (JsonException)
        {
            return false;   // whoever reads it as a recipe says what is wrong
        }
    }

    /// <summary>Reads such a recipe.</summary>
    /// <exception cref="InvalidDataException">Names the file, the key and the keys that are known.</exception>
    public static AllocationRecipe Load(string path) => Parse(File.ReadAllText(path), path);

    /// <summary>As <see cref="Load"/>, of text that came from <paramref name="source"/>.</summary>
    public static AllocationRecipe Parse(string json, string source) => RecipeJson.Parse<AllocationRecipe>(json, source);

    /// <summary>The method of a file that holds a recipe, or a method alone.</summary>
    /// <exception cref="InvalidDataException">It holds neither, or a recipe with methods for single layers.</exception>
    public static Method LoadChoice(string path)
    {
        string json = File.ReadAllText(path);
        try
        {
            if (JsonNode.Parse(json, documentOptions: RecipeJson.Lenient) is JsonObject { } o && o["method"] is JsonValue)
                return RecipeJson.Parse<Method>(json, path);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
        var recipe = Recipe.Parse(json, path);
        return recipe.Layers is null ? recipe.Method
            : throw new InvalidDataException($"{path}: a choice is one method for a whole model; leave out 'layers'.");
    }

    /// <summary>With every default written out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RecipeJson.Options);

    /// <summary>A plain recipe of one method, calibrated as this one. Layers stay what they were when their harm was measured.</summary>
    public Recipe With(Method method, IReadOnlyDictionary<string, Method>? layers = null) =>
        new(method, Calibration) { Propagate = Propagate, Order = Order, Seed = Seed, Layers = layers, Fallback = false };

    internal void Check()
    {
        if (Choices.Count == 0) throw new InvalidDataException("There must be at least one choice.");
        if (!(BitsPerWeight > 0 && BitsPerWeight <= 32))
            throw new InvalidDataException($"A budget lies above 0 and up to 32 bits per weight, not {BitsPerWeight}.");
        if (Choices.Distinct().Count() < Choices.Count) throw new InvalidDataException("Two of the choices are the same method.");
        if (Probes.Samples < 1 || Probes.Length < 2)
            throw new InvalidDataException("Probes need at least one sequence of at least 2 tokens.");
        if (Probes.Samples > Calibration.Samples || Probes.Length > Calibration.Length)
            throw new InvalidDataException($"{Probes.Samples} x {Probes.Length:N0} probe tokens are not in "
                + $"{Calibration.Samples} x {Calibration.Length:N0} calibration tokens; take fewer or shorter ones.");
        foreach (var method in Choices) With(method).Check();
    }
}
