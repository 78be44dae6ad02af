using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Models;
using Quarank.Models.Scaling;

namespace Quarank.Pipeline;

/// <summary>One layer to be compressed, and the bits it will take.</summary>
public sealed record LayerPlan(string Name, int Rows, int Columns, long Bits);

/// <summary>What a run is going to do, before it does anything: sizes, memory, and what looks unwise.</summary>
/// <param name="BitsPerWeight">Of the compressed layers together.</param>
/// <param name="FileBytes">The tensors of the new model.</param>
/// <param name="PeakMemoryBytes">An estimate of the largest resident size.</param>
public sealed record Plan(
    IReadOnlyList<LayerPlan> Layers, double BitsPerWeight, long FileBytes, long PeakMemoryBytes, IReadOnlyList<string> Warnings)
{
    /// <summary>Of the compressed layers, the embedding and the head together.</summary>
    public double BitsPerWeightWithTables { get; init; }

    /// <summary>How calibration tokens will be weighted: the recipe's choice, or else the methods' own.</summary>
    [JsonPropertyName("tokenWeights")]
    public IReadOnlyList<TokenWeights> WantedWeights { get; init; } = [];

    /// <summary>What the peak is made of, and the steps the run takes.</summary>
    public required MemoryPlan Memory { get; init; }

    /// <summary>Plans the run of a recipe on a model; refuses here what cannot be done.</summary>
    /// <exception cref="InvalidDataException">A value of the recipe is out of its range, or does not fit this model.</exception>
    /// <param name="maxMemory">Bytes that the run's peak must stay below; null: no limit.</param>
    public static Plan Of(Checkpoint checkpoint, ModelSpec spec, Recipe recipe, long? maxMemory = null)
    {
        recipe.Check();
        if (LayerTable.IsCompressed(checkpoint.Config))
            throw new InvalidDataException($"{checkpoint.Path}: this model is compressed already; compress the original.");
        int length = recipe.Calibration.Length;
        if (length > spec.ContextLength)
            throw new InvalidDataException(
                $"Sequences of {length:N0} tokens are longer than the {spec.ContextLength:N0} positions of the model.");

        var shapes = Shapes(spec);
        var methods = Assignment.Of(recipe, shapes);
        for (int i = 0; i < spec.BlockCount; i++)
            if (spec.Projections(i).Select(p => methods[p.Name].Learner).OfType<BlockMethod>().Select(m => m.Learning).Distinct().Count() > 1)
                throw new InvalidDataException($"The layers of block {i} take their steps of learning together: give their methods the same \"learning\".");
        LayerPlan[] layers = [.. shapes.Select(s => new LayerPlan(s.Name, s.Rows, s.Columns,
            methods.Compressing(s.Name).PlannedBits(s) + (methods[s.Name] is Keep ? 0 : recipe.Tune?.AddedBits(s.Rows, s.Columns) ?? 0)))];
        long weights = layers.Sum(l => (long)l.Rows * l.Columns), bits = layers.Sum(l => l.Bits);
        var tables = ModelTables.Of(checkpoint, spec, recipe);
        var rounded = tables.Where(t => t.Bits != 16).ToList();
        var replaced = ModelTables.Replaced(tables, spec).ToHashSet(StringComparer.Ordinal);
        long kept = rounded.Sum(t => t.PlannedBits) / 8
            + checkpoint.Tensors.All.Where(t => !IsWeight(t.Name, shapes) && !replaced.Contains(t.Name)).Sum(t => t.ByteLength);
        long tableBits = tables.Sum(t => t.PlannedBits), tableWeights = tables.Sum(t => (long)t.Rows * t.Columns);
        var memory = MemoryPlan.Of(checkpoint, spec, recipe, methods, maxMemory);
        return new(layers, (double)bits / weights, kept + bits / 8, memory.Peak, [.. Unwise(spec, recipe)])
        {
            WantedWeights = recipe.WantedWeights,
            Memory = memory,
            BitsPerWeightWithTables = (double)(bits + tableBits) / (weights + tableWeights),
        };
    }

    /// <summary>Every layer that can be compressed, in the order in which they run.</summary>
    internal static List<LayerShape> Shapes(ModelSpec spec) =>
        [.. Enumerable.Range(0, spec.BlockCount).SelectMany(block => spec.Projections(block).Select(p =>
        {
            var (fold, refusal) = ScaleFold.Of(spec, block, p.Site);
            return new LayerShape(p.Name, p.Rows, p.Columns) { FoldedSite = fold is null ? null : $"{block} {p.Site}", FoldRefusal = refusal };
        }))];

    private static bool IsWeight(string tensor, List<LayerShape> shapes) => shapes.Exists(s => tensor == $"{s.Name}.weight");

    private static IEnumerable<string> Unwise(ModelSpec spec, Recipe recipe)
    {
        long tokens = (long)recipe.Calibration.Samples * recipe.Calibration.Length;
        foreach (var place in spec.Projections(0).GroupBy(p => p.Site.Place))
            if (tokens < place.First().Columns)
                yield return $"{tokens:N0} calibration tokens cannot fill the {place.First().Columns:N0} inputs of "
                    + $"{StatisticsCollector.Name(new(place.Key))}: the Gram matrix will be singular and damping will decide.";
        if (spec.ExpertCount == 0) yield break;
        long each = tokens * spec.ExpertsPerToken / spec.ExpertCount;
        int widest = Math.Max(spec.HiddenSize, spec.IntermediateSize);
        if (each < widest)
            yield return $"Each of {spec.ExpertCount} experts sees some {each:N0} of {tokens:N0} calibration tokens and has up to {widest:N0} inputs: "
                + "those that see fewer are fitted to all tokens instead of those routed to them.";
    }
}
