using System.Text.Json;
using System.Text.Json.Serialization;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Studies;

/// <summary>Recipes on one model, brought to the same file bytes and measured on the same texts and tasks; stands as <c>comparison.json</c>.</summary>
/// <param name="Program">Version and commit of the program that wrote it.</param>
/// <param name="Blas">The BLAS library, and so the processor: other ones may round sums differently.</param>
/// <param name="Model">The dense model that all were made of and are compared with.</param>
/// <param name="Texts">The texts that were foretold, how they were cut, and the dense model on them; the first one counts most.</param>
/// <param name="Tasks">The questions that were asked, and the dense model on them.</param>
/// <param name="Calibration">The tokens that all recipes were fitted on.</param>
/// <param name="PeakMemoryMeasure">How peak memory was measured, in words.</param>
/// <param name="Rows">In the order asked: sizes ascending, in each size the recipes as given.</param>
public sealed record Comparison(
    string Program, string Blas, ComparedModel Model, IReadOnlyList<ReferenceText> Texts, IReadOnlyList<ComparedTask> Tasks, ComparedCalibration Calibration,
    string PeakMemoryMeasure, IReadOnlyList<ComparisonRow> Rows)
{
    public const string FileName = "comparison.json";

    private const int ThisVersion = 2;

    /// <summary>Of this JSON.</summary>
    public int Version { get; init; } = ThisVersion;

    /// <summary>Spectra of the original's layers, when they were asked for.</summary>
    public IReadOnlyList<LayerSpectrum>? Spectra { get; init; }

    /// <summary>Indented; infinite numbers are written as the strings "Infinity" and "NaN".</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RunJson.Options);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is no comparison of this version.</exception>
    public static Comparison Load(string path)
    {
        try
        {
            if (JsonSerializer.Deserialize<Comparison>(File.ReadAllText(path), RunJson.Options) is { Version: ThisVersion } comparison)
                return comparison;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: this is no comparison of version {ThisVersion} ({e.Message}); `quarank compare` writes one.", e);
        }
        throw new InvalidDataException($"{path}: this comparison is not of version {ThisVersion}; run `quarank compare` again.");
    }
}

/// <summary>The dense model.</summary>
/// <param name="Name">The last part of its path.</param>
/// <param name="Hash">Tells two models apart; see <c>RunFingerprint.OfModel</c>.</param>
/// <param name="FileBytes">All its weight files.</param>
/// <param name="KeptBytes">Tensors that no recipe touches: embedding, head, norms, biases.</param>
/// <param name="Weights">Numbers in the linear layers that recipes compress: what bits per weight divides by.</param>
/// <param name="Layers">How many of these layers there are.</param>
/// <param name="BitsPerWeight">Of the linear layers as the dense model stores them.</param>
/// <param name="TokensPerSecond">Generated one after another, in the numbers that generation takes.</param>
public sealed record ComparedModel(
    string Name, string Hash, long FileBytes, long KeptBytes, long Weights, int Layers, double BitsPerWeight, double TokensPerSecond);

/// <summary>What was foretold, and how well the dense model foretells it.</summary>
/// <param name="Text">What it is called.</param>
/// <param name="Hash">SHA-256 of the tokens evaluated.</param>
/// <param name="Protocol">How the text was cut, in words; figures of different protocols must not be compared.</param>
/// <param name="Length">Tokens in a segment.</param>
/// <param name="Tokens">How many tokens were foretold.</param>
/// <param name="Perplexity">The dense model's.</param>
/// <param name="StandardError">Of the perplexity; it takes tokens as independent.</param>
/// <param name="MeanLoss">Mean of −ln p of the tokens, in nats.</param>
public sealed record ReferenceText(
    string Text, string Hash, string Protocol, int Length, int Segments, long Tokens, double Perplexity, double StandardError, double MeanLoss);

/// <summary>What was foretold.</summary>
/// <param name="Text">The file's name.</param>
/// <param name="Hash">SHA-256 of the tokens evaluated.</param>
/// <param name="Protocol">How the text was cut, in words; figures of different protocols must not be compared.</param>
/// <param name="Length">Tokens in a segment.</param>
/// <param name="Tokens">How many tokens were foretold.</param>
public sealed record ComparedText(string Text, string Hash, string Protocol, int Length, int Segments, long Tokens);

/// <summary>What was asked, and a figure of the dense model's answers.</summary>
/// <param name="Task">As the harness calls it.</param>
/// <param name="Metric">acc, acc_norm, ...</param>
/// <param name="Documents">How many.</param>
/// <param name="FewShot">Solved examples before each.</param>
public sealed record ComparedTask(string Task, string Metric, int Documents, int FewShot, double Value, double? Error);

/// <summary>What all recipes were fitted on.</summary>
/// <param name="Hash">SHA-256 of the tokens.</param>
public sealed record ComparedCalibration(
    IReadOnlyList<string> Texts, int Samples, int Length, Sampling Sampling, int Seed, long Tokens, string Hash)
{
    /// <summary>Whose rules cut the texts, these and the evaluated ones.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public TokenizerRules TokenizerRules { get; init; }
}

/// <summary>The σ²ᵢ of one layer of the original, as shares of their sum, largest first.</summary>
/// <param name="Kind">The last part of the name: q_proj.</param>
/// <param name="Weighted">Of W Y with H = Y Yᵀ: what the layer does to calibration inputs.</param>
/// <param name="Plain">Of W itself.</param>
public sealed record LayerSpectrum(
    string Name, string Kind, int Block, int Rows, int Columns, IReadOnlyList<double> Weighted, IReadOnlyList<double> Plain);
