using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Quarank.Compression;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>
/// What the words of shorthands stand for. Every method is known by its name in a recipe; a line here is for those that do not stand alone
/// with their defaults, and for options that have a shorter name.
/// </summary>
internal static class ShorthandTable
{
    private static readonly string Gptq = Of("gptq");

    // Methods as JSON. A wrapper's inner method stands until "inner+wrapper" says another.
    private static readonly Dictionary<string, string> Words = new(StringComparer.Ordinal)
    {
        ["rtn"] = Of("rtn"),
        ["gptq"] = Gptq,
        ["lattice"] = """{"method":"incoherent","inner":{"method":"lattice"}}""",
        ["trellis"] = """{"method":"incoherent","inner":{"method":"trellis"}}""",
        ["quip"] = """{"method":"incoherent","inner":{"method":"quip"}}""",
        ["awq"] = """{"method":"awq","inner":{"method":"rtn","grid":{"bits":3,"groupSize":64},"range":"output"}}""",
        ["lrc"] = Around("lrc", ",\"input\":{\"bits\":4}"),
        ["rounded-inputs"] = Around("rounded-inputs", ",\"input\":{\"bits\":8}"),
        ["incoherent"] = Around("incoherent"),
        ["exact"] = Around("exact", ",\"directions\":1"),
        ["flexround"] = Of("flexround", 0),
        ["lrq"] = Of("lrq", 0),
        ["omniquant"] = Of("omniquant", 0),
        ["svd"] = LowRank("none"),
        ["asvd"] = LowRank("magnitude", ",\"power\":0.5"),
        ["svd-llm"] = LowRank("gram"),
        ["res-svd"] = LowRank("gram", ",\"residualShare\":0.25"),
        ["low-rank"] = LowRank("gram"),
        ["corrected"] = Around("corrected", ",\"weighting\":\"gram\""),
        ["lqer"] = Around("corrected", ",\"weighting\":\"none\""),
        ["l2qer"] = Around("corrected", ",\"weighting\":\"magnitude\""),
        ["qera-approx"] = Around("corrected", ",\"weighting\":\"rms\""),
        ["eora"] = Around("corrected", ",\"weighting\":\"gram\""),
    };

    private static string Of(string method, int group = 64) => $"{{\"method\":\"{method}\",\"grid\":{{\"bits\":3,\"groupSize\":{group}}}}}";

    private static string LowRank(string weighting, string options = "") => $"{{\"method\":\"low-rank\",\"weighting\":\"{weighting}\"{options}}}";

    private static string Around(string method, string options = "") => $"{{\"method\":\"{method}\",\"inner\":{Gptq}{options}}}";

    // Where an option may stand in a method; the first place that the method has is taken.
    private static readonly Dictionary<string, string[]> Places = new(StringComparer.Ordinal)
    {
        ["bits"] = ["grid.bits", "bits", "bitsPerWeight"],
        ["group"] = ["grid.groupSize", "groupSize"],
        ["scaleBits"] = ["grid.super.bits"],
        ["superGroup"] = ["grid.super.columns"],
        ["inputs"] = ["input.bits"],
        ["inputGroup"] = ["input.groupSize"],
        ["inputStatic"] = ["input.static"],
        ["inputClip"] = ["clip"],
        ["k"] = ["blocks"],
        ["p"] = ["pBits"],
        ["q"] = ["qBits"],
        ["steps"] = ["steps", "learning.steps"],
        ["batch"] = ["learning.batch"],
        ["rate"] = ["learning.rate"],
        ["heldOut"] = ["learning.heldOut"],
    };

    // Methods that go around the one before them may also stand among its options, their rank behind them: "gptq:clip,eora=32".
    private static readonly string[] Corrections = ["lqer", "l2qer", "qera-approx", "eora"];

    // What a name alone says; any other stands for true.
    private static readonly Dictionary<string, (string Place, string Value)> Bare = new(StringComparer.Ordinal)
    {
        ["symmetric"] = ("grid.offset", "none"),
        ["clip"] = ("range", "clip"),
        ["minima"] = ("grid.offset", "number"),
        ["outliers"] = ("start", "outliers"),
    };

    // Options of the recipe around the method.
    private static readonly Dictionary<string, string> OfRecipe = new(StringComparer.Ordinal)
    {
        ["propagate"] = "propagate",
        ["order"] = "order",
        ["seed"] = "seed",
        ["fallback"] = "fallback",
        ["weights"] = "calibration.tokenWeights",
        ["normCut"] = "calibration.normCut",
    };

    private static readonly IReadOnlyDictionary<string, Type> Types = RecipeJson.Options.GetTypeInfo(typeof(Method)).PolymorphismOptions!.DerivedTypes
        .ToDictionary(d => (string)d.TypeDiscriminator!, d => d.DerivedType, StringComparer.Ordinal);

    /// <summary>All words that a shorthand may begin with.</summary>
    public static IReadOnlyList<string> Methods { get; } = [.. Types.Keys.Union(Words.Keys)];

    /// <summary>A method's JSON before any option.</summary>
    public static JsonObject Json(string word) =>
        Words.TryGetValue(word, out string? json) ? JsonNode.Parse(json)!.AsObject() : new JsonObject { ["method"] = word };

    /// <summary>Whether an option is a method around the one whose option it is.</summary>
    public static bool Wraps(string option) => Corrections.Contains(option);

    /// <summary>The word of the method that an option puts around the one before it; null for options of methods that are there.</summary>
    public static string? Wrapper(JsonObject method, string option) => Wraps(option) ? option
        : option is "inputs" or "inputGroup" or "inputStatic" or "inputClip" && method["input"] is null && method["inner"]?["input"] is null ? "rounded-inputs" : null;

    /// <summary>Where an option stands in a recipe's JSON whose <c>method</c> is <paramref name="method"/>, and the value of a bare name.</summary>
    /// <remarks>
    /// Looked for in the method itself, then in those inside it, outermost first; a name that none has is left to the recipe's reader, which
    /// says what would be known.
    /// </remarks>
    public static (string Place, string? Value) Find(JsonObject method, string name, bool bare)
    {
        if (OfRecipe.TryGetValue(name, out string? place)) return (place, bare ? "true" : null);
        // What rounds inside AWQ; "gptq:clip+awq" says the same.
        if (name == "rounding" && method["inner"] is JsonObject) return ("method.inner.method", null);
        string[] places = Places.GetValueOrDefault(name) ?? [name];
        string value = "true";
        if (bare && Bare.TryGetValue(name, out var known)) (places, value) = ([known.Place], known.Value);
        foreach (string candidate in places)
        {
            string at = "method";
            for (var node = method; node is not null; node = node["inner"] as JsonObject, at += ".inner")
                if ((string?)node["method"] is { } discriminator && Types.TryGetValue(discriminator, out var type) && Has(type, candidate.Split('.')))
                    return ($"{at}.{candidate}", bare ? value : null);
        }
        return ($"method.{name}", bare ? value : null);
    }

    private static bool Has(Type type, ReadOnlySpan<string> path)
    {
        if (path.IsEmpty) return true;
        string name = path[0];
        foreach (var property in RecipeJson.Options.GetTypeInfo(type).Properties)
            if (property.Name == name && IsSet(property)) return Has(property.PropertyType, path[1..]);
        return false;
    }

    private static bool IsSet(JsonPropertyInfo property) => property.Set is not null || property.AssociatedParameter is not null;
}
