using System.CommandLine;
using Quarank.Cli.Console;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics.Kernels;

namespace Quarank.Cli.Commands;

/// <summary>In which numbers a model runs.</summary>
/// <param name="usual">What holds where an option is not given.</param>
internal sealed class InferenceOptions(InferenceSettings usual)
{
    private static readonly (string Word, InputNumbers Value)[] Inputs = [("int8", InputNumbers.Bytes), ("float", InputNumbers.Floats)];

    private static readonly (string Word, CacheNumbers Value)[] Caches =
        [("f16", CacheNumbers.F16), ("int8", CacheNumbers.Q8), ("int4", CacheNumbers.Q4), ("f32", CacheNumbers.F32)];

    private readonly Option<InputNumbers?> _activations = Console.Inputs.Choice("--activations",
        $"What compressed layers read: bytes with a scale per 128 values, or floats as they are ({Word(Inputs, usual.Inputs)}).", Inputs);

    private readonly Option<CacheNumbers?> _cache = Console.Inputs.Choice("--kv-cache",
        $"How keys and values are kept: half floats, bytes with a scale per head and token, 4 bits with a scale per head, token and 32 features, or floats ({Word(Caches, usual.Cache)}).", Caches);

    public Option[] All => [_activations, _cache];

    public InferenceSettings Of(ParseResult parsed) => new(parsed.GetValue(_activations) ?? usual.Inputs, parsed.GetValue(_cache) ?? usual.Cache);

    /// <summary>"inputs int8, cache f16"; null where all is exact.</summary>
    public static string? Describe(InferenceSettings settings) =>
        settings == new InferenceSettings() ? null : $"inputs {Word(Inputs, settings.Inputs)}, cache {Word(Caches, settings.Cache)}";

    /// <summary>Says which layers of a model no packed kernel knows, if inputs are to be bytes.</summary>
    public static void Warn(Terminal terminal, Model model)
    {
        if (model.Settings.Inputs != InputNumbers.Bytes) return;
        var layers = model.Blocks.SelectMany(b => b.Projections);
        if (WithoutKernel(layers.Select(p => (p.Weight.Format, p.Spec.Rows, p.Spec.Columns))) is { } note)
            terminal.Error.WriteLine($"note: multiplied in floats, which is slower, for want of a packed kernel: {note}");
    }

    /// <summary>"30 layers with a grid of 4 bits, groups of 24"; null when kernels know all layers.</summary>
    public static string? WithoutKernel(IEnumerable<(LinearFormat Format, int Rows, int Columns)> layers)
    {
        var parts = layers.Select(l => l.Format.WithoutKernel(l.Rows, l.Columns)).OfType<string>().GroupBy(part => part);
        string all = string.Join(", ", parts.Select(g => $"{g.Count()} {(g.Count() == 1 ? "layer" : "layers")} with {g.Key}"));
        return all.Length == 0 ? null : all;
    }

    private static string Word<T>((string Word, T Value)[] choices, T value) => choices.First(c => Equals(c.Value, value)).Word;
}
