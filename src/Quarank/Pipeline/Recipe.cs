using System.Text.Json;
using System.Text.Json.Serialization;
using Quarank.Compression;
using Quarank.Compression.Learning.Tuning;
using Quarank.Compression.Methods;

namespace Quarank.Pipeline;

/// <summary>What flows to the next block of a run.</summary>
public enum Propagation
{
    /// <summary>The outputs of the compressed block, so that later layers are fitted to what they will be fed (GPTQ).</summary>
    Compressed,

    /// <summary>
    /// The outputs of the original block, which makes layers independent of one another (QuIP#, CALDERA, the LoRDQ paper).
    /// </summary>
    Original,
}

/// <summary>When the inputs of a block's layers are observed.</summary>
public enum Order
{
    /// <summary>Once, then all layers are compressed: two forward passes.</summary>
    Block,

    /// <summary>
    /// Anew before the layers of each site, with those before them already compressed: five forward passes (GPTQ's "true
    /// sequential").
    /// </summary>
    Site,
}

/// <summary>The JSON a run is made of: a method with its hyper-parameters, and how the model is calibrated.</summary>
public sealed record Recipe(Method Method, CalibrationSettings Calibration)
{
    public Propagation Propagate { get; init; } = Propagation.Compressed;

    public Order Order { get; init; } = Order.Block;

    /// <summary>Where the methods' own randomness starts; each layer derives its seed from this and its place.</summary>
    public int Seed { get; init; }

    /// <summary>
    /// Whether a layer that comes out worse than plain rounding of no more bytes is replaced by that. Null leaves it to who runs the recipe:
    /// compressing replaces; comparisons, studies and allocations, which measure methods as they are, do not.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Fallback { get; init; }

    /// <summary>Bits of the embedding's table: 8, 4, or 16 as it is stored; null leaves it to <see cref="HeadBits"/> where both are one table.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? EmbeddingBits { get; init; }

    /// <summary>Bits of the head's table, likewise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? HeadBits { get; init; }

    /// <summary>How compressed layers are tuned on what their block gives; null: not at all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TuningSettings? Tune { get; init; }

    /// <summary>
    /// Methods of single layers, which overrule <see cref="Method"/>: names as in the checkpoint without <c>.weight</c>, or
    /// patterns in which <c>*</c> stands for anything. A whole name comes before any pattern, a pattern that says more of the
    /// name before one that says less.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, Method>? Layers { get; init; }

    /// <summary>Reads a recipe; comments and trailing commas are welcome, unknown keys are not.</summary>
    /// <exception cref="InvalidDataException">Names the file, the key and the keys that are known.</exception>
    public static Recipe Load(string path) => Parse(File.ReadAllText(path), path);

    /// <summary>As <see cref="Load"/>, of text that came from <paramref name="source"/>.</summary>
    public static Recipe Parse(string json, string source) => RecipeJson.Parse<Recipe>(json, source);

    /// <summary>The recipe with every default written out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RecipeJson.Options);

    /// <summary>The token weights of its methods: what it says itself, or else what each method asks for.</summary>
    [JsonIgnore]
    public IReadOnlyList<TokenWeights> WantedWeights =>
        [.. Methods.Select(Calibration.WeightsFor).Distinct().Order()];

    /// <summary>What must be gathered for them.</summary>
    internal TokenWeighting Weighting() => new(WantedWeights, Calibration.NormCut) { Roundings = Roundings };

    /// <summary>What its methods round inputs to.</summary>
    internal IReadOnlyList<InputRounding> Roundings => [.. Methods.Select(m => m.Rounding).OfType<InputRounding>().Distinct()];

    /// <summary>Every method in it.</summary>
    internal IEnumerable<Method> Methods => (Layers?.Values ?? []).Append(Method);

    internal void Check()
    {
        Calibration.Check();
        Check(Method, "");
        foreach (var (key, bits) in (ReadOnlySpan<(string, int?)>)[("embeddingBits", EmbeddingBits), ("headBits", HeadBits)])
        {
            if (bits is { } b && !TableRounding.Known.Contains(b))
                throw new InvalidDataException($"{key} is one of {string.Join(", ", TableRounding.Known)}, not {b}.");
        }
        foreach (var (name, method) in Layers ?? new Dictionary<string, Method>()) Check(method, $"{name}: ");
        CheckLearning();
        CheckChannels();
        if (Order == Order.Site && Methods.Any(m => m is ScaledMethod { Fold: true }))
            throw new InvalidDataException(
                "order \"site\" observes a block's sites one after the other, but folded factors change layers of earlier sites; choose order \"block\", or \"fold\": false.");
        if (Roundings.Count > 0 && WantedWeights.Contains(TokenWeights.Mixed))
            throw new InvalidDataException("Token weights \"mixed\" are not known for rounded inputs; choose none, unit, squareRoot or cut.");
        if (Propagate == Propagation.Original && Order == Order.Site)
            throw new InvalidDataException(
                "order \"site\" observes inputs behind compressed layers, which propagate \"original\" excludes; choose one.");
    }

    /// <summary>Whether any of its methods learns whole blocks, or what they gave is tuned.</summary>
    [JsonIgnore]
    public bool Learns => Tune is not null || Methods.Any(m => m.Learner is not null);

    /// <summary>What methods that learn ask of the whole recipe.</summary>
    private void CheckLearning()
    {
        if (Tune is not null) CheckTuning(Tune);
        if (Methods.Any(m => m.Learner is not null) && (Propagate != Propagation.Compressed || Order != Order.Block))
            throw new InvalidDataException(
                "Methods that learn a block read what the compressed blocks before it give, and learn all its layers at once: they need propagate \"compressed\" and order \"block\".");
    }

    private void CheckTuning(TuningSettings tune)
    {
        try
        {
            tune.Validate();
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"tune: {e.Message}", e);
        }
        if (Propagate != Propagation.Compressed)
            throw new InvalidDataException("Tuning makes up for what the compressed blocks before lost, so it needs propagate \"compressed\".");
        if (tune.Rest && Order != Order.Site)
            throw new InvalidDataException("Tuning the rest of a block behind each site (tune.rest) needs order \"site\".");
        if (Methods.Any(m => m.Learner is not null))
            throw new InvalidDataException("Methods that learn (flexround, lrq, omniquant) are not tuned once more; leave out one of the two.");
        if (Methods.Any(m => m is Lrc))
            throw new InvalidDataException("LRC's layers read their input both rounded and as it is, of which a block knows no gradient; tune another method.");
        if (Roundings.Count > 0 && tune.Factors is not null)
            throw new InvalidDataException("Factors of channels that tuning adds (tune.factors) would stand before or behind rounded inputs; leave them out.");
    }

    private void CheckChannels()
    {
        if (Methods.Any(m => m.Learner is OmniQuant { LearnsChannels: true }) && Methods.Any(m => m is ScaledMethod { Fold: true }))
            throw new InvalidDataException("OmniQuant and another method of this recipe both fold factors of channels; let OmniQuant learn ranges alone (\"learn\": \"ranges\"), or set \"fold\": false there.");
    }

    private static void Check(Method method, string where)
    {
        try
        {
            method.Validate();
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(where + e.Message, e);
        }
    }
}
