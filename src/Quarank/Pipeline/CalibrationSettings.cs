using System.Text.Json.Serialization;
using Quarank.Compression;
using Quarank.Tokenizers;

namespace Quarank.Pipeline;

/// <summary>How calibration sequences are cut from the texts.</summary>
public enum Sampling
{
    /// <summary>
    /// All texts joined by the separator, encoded once, the first samples × length tokens cut into sequences: no chance in it.
    /// </summary>
    Concatenate,

    /// <summary>Random windows of the joined texts (GPTQ's WikiText loader); they may overlap.</summary>
    Windows,

    /// <summary>
    /// Random documents of at least the sequence's length, one random window of each (GPTQ's C4 loader); shorter documents are
    /// redrawn.
    /// </summary>
    Documents,
}

/// <summary>Which texts calibrate a run, and how sequences of tokens are made of them.</summary>
/// <param name="Paths">Text files, JSON Lines files or folders of such files; relative to the current folder.</param>
public sealed record CalibrationSettings(IReadOnlyList<string> Paths)
{
    internal const double DefaultNormCut = 4;

    /// <summary>How many sequences.</summary>
    public int Samples { get; init; } = 48;

    /// <summary>Tokens in a sequence.</summary>
    public int Length { get; init; } = 2048;

    public Sampling Sampling { get; init; } = Sampling.Concatenate;

    /// <summary>What random windows and documents are drawn with.</summary>
    public int Seed { get; init; }

    /// <summary>What stands between two texts when they are joined.</summary>
    public string Separator { get; init; } = "\n\n";

    /// <summary>Whether texts are cut as tokenizer.json says, or as the class named beside it does in transformers 5.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public TokenizerRules TokenizerRules { get; init; }

    /// <summary>How much each token counts in what methods are fitted to.</summary>
    public TokenWeights TokenWeights { get; init; } = TokenWeights.Auto;

    /// <summary>c of <see cref="TokenWeights.Cut"/>: norms are held down to c times the median of their sequence.</summary>
    public double NormCut { get; init; } = DefaultNormCut;

    /// <summary>The weights of a layer that this method compresses.</summary>
    internal TokenWeights WeightsFor(Method method) =>
        TokenWeights == TokenWeights.Auto || method.Needs == Needs.Nothing ? method.PreferredWeights : TokenWeights;

    /// <summary>What must be gathered for these methods.</summary>
    internal TokenWeighting WeightingFor(IEnumerable<Method> methods) =>
        new([.. methods.Select(WeightsFor).Distinct().Order()], NormCut);

    internal void Check()
    {
        if (!(NormCut > 0 && double.IsFinite(NormCut)))
            throw new InvalidDataException($"Norms are cut at a positive multiple of their median, not at {NormCut}.");
        if (NormCut != DefaultNormCut && TokenWeights != TokenWeights.Cut)
            throw new InvalidDataException("A norm cut goes with token weights \"cut\" alone; leave it out, or ask for those.");
        if (Paths.Count == 0) throw new InvalidDataException("Calibration needs a text: no path is given.");
        if (Samples < 1) throw new InvalidDataException($"Calibration needs at least one sequence, not {Samples}.");
        if (Length < 2) throw new InvalidDataException($"A calibration sequence needs at least 2 tokens, not {Length}.");
        if ((long)Samples * Length > 1 << 28)
            throw new InvalidDataException($"Calibration of {Samples} x {Length:N0} tokens is beyond the limit of {1 << 28:N0}.");
    }
}
