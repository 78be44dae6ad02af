using Quarank.Cli.Console;
using Quarank.Models;

namespace Quarank.Cli.Commands;

/// <summary>In what a model differs from a plain Llama, for the eye.</summary>
internal static class FamilyFacts
{
    /// <summary>Topic and fact; topics of which there is nothing to say are left out.</summary>
    public static IReadOnlyDictionary<string, string> Of(ModelSpec spec)
    {
        var facts = new Dictionary<string, string>();
        Add("window", spec.Window is { } window ? Units.Invariant($"{window:N0} tokens in {Windowed(spec)}") : null);
        Add("positions", Positions(spec));
        Add("norms", Norms(spec));
        Add("experts", spec.ExpertCount == 0 ? null : Units.Invariant($"{spec.ExpertCount} in each block, {spec.ExpertsPerToken} for a token"));
        Add("activation", spec.Activation == Activation.Silu && spec.GatedMlp ? null : $"{Word(spec.Activation)}{(spec.GatedMlp ? "" : ", without a gate")}");
        Add("biases", Biases(spec));
        Add("bounds", Bounds(spec));
        Add("embedding", spec.EmbeddingSize is { } width ? Units.Invariant($"{width:N0} wide, projected to the hidden size and back")
            : spec.EmbeddingScale == 1 ? null : Units.Invariant($"times {spec.EmbeddingScale:0.###}"));
        Add("projections", spec.FusedProjections ? "queries, keys and values in one matrix, gate and up in another" : null);
        Add("rotated", Rotation(spec.Rotation));
        return facts;

        void Add(string topic, string? fact)
        {
            if (!string.IsNullOrEmpty(fact)) facts.Add(topic, fact);
        }
    }

    private static string? Rotation(RotationSpec? rotation) => rotation is null ? null : string.Join(", ", new[]
    {
        Units.Invariant($"residual stream (seed {rotation.Seed})"), rotation.Values ? "values" : null, rotation.Down ? "before down" : null,
        rotation.Keys ? "queries and keys" : null,
    }.Where(b => b is not null));

    private static string Windowed(ModelSpec spec)
    {
        int count = Enumerable.Range(0, spec.BlockCount).Count(b => spec.WindowOf(b) is not null);
        return count == spec.BlockCount ? "every block" : Units.Invariant($"{count} of {spec.BlockCount} blocks");
    }

    private static string? Positions(ModelSpec spec)
    {
        if (spec.PositionOffset is not null) return "learned vectors";
        if (spec.Rotary is not { } rotary) return null;
        string part = rotary.Part == 1 ? "" : Units.Invariant($", {rotary.Part:0.##} of each head");
        string window = spec.WindowRotary is { } other ? Units.Invariant($"; {other.Theta:N0} in blocks with a window") : "";
        return Units.Invariant($"rotary, base {rotary.Theta:N0}{Scaling(rotary.Scaling)}{part}{window}");
    }

    private static string Scaling(RotaryScaling? scaling) => scaling switch
    {
        null => "",
        LinearScaling s => Units.Invariant($", stretched {s.Factor:0.##} times"),
        Llama3Scaling s => Units.Invariant($", llama3: long waves stretched {s.Factor:0.##} times"),
        LongScaling s => Units.Invariant($", longrope: other speeds in texts of more than {s.OriginalContext:N0} tokens"),
        _ => $", {scaling.GetType().Name}",
    };

    private static string? Norms(ModelSpec spec)
    {
        string kind = spec.Norm switch { NormKind.Layer => "layer norm", NormKind.RmsPlusOne => "RMS, 1 + weight", _ => "RMS" };
        string place = spec.NormPlacement switch
        {
            NormPlacement.BeforeAndAfter => ", before and after attention and feed-forward",
            NormPlacement.AfterSum => ", after each sum",
            _ => "",
        };
        string heads = spec.NormalizeQueriesAndKeys ? ", also of queries and keys" : "";
        return kind + place + heads is var all && all == "RMS" ? null : all;
    }

    private static string Biases(ModelSpec spec) => string.Join(", ", new[]
    {
        spec.QueryKeyValueBias ? "queries, keys, values" : null, spec.AttentionOutputBias ? "attention output" : null, spec.MlpBias ? "feed-forward" : null,
    }.Where(b => b is not null));

    private static string Bounds(ModelSpec spec) => string.Join(", ", new[]
    {
        spec.AttentionCap is { } a ? Units.Invariant($"attention scores within {a:0.##}") : null, spec.LogitCap is { } l ? Units.Invariant($"logits within {l:0.##}") : null,
    }.Where(b => b is not null));

    private static string Word(Activation activation) => activation switch
    {
        Activation.GeluTanh => "GELU (tanh)",
        Activation.Relu => "ReLU",
        _ => "SiLU",
    };
}
