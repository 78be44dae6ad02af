using System.Text.Json;
using System.Text.Json.Serialization;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Layers;

namespace Quarank.Pipeline;

/// <summary>What became of one layer.</summary>
/// <param name="Form">How it is stored now.</param>
/// <param name="Bits">All stored bits: codes, scales, zero-points, factors.</param>
/// <param name="RelativeError">tr(D H Dᵀ) / tr(W H Wᵀ), D = W − Ŵ from the packed codes, H the undamped Gram matrix.</param>
/// <param name="Tokens">How many calibration tokens its input site saw.</param>
/// <param name="Sink">Largest norm of an input token, divided by the median norm; a large figure is a sink that rules the Gram
/// matrix.</param>
/// <param name="Notes">What the method had to do to finish, such as damping beyond what was asked.</param>
public sealed record LayerReport(
    string Name, int Rows, int Columns, LinearFormat Form, long Bits, double BitsPerWeight, double RelativeError, long Tokens,
    double Sink, double Seconds, IReadOnlyList<string> Notes)
{
    /// <summary>Tokens whose norm exceeds four times the median; null where kept statistics do not say.</summary>
    public long? SinkTokens { get; init; }

    /// <summary>Their part of the (unweighted) Gram matrix's trace, 0 … 1; null as above.</summary>
    public double? SinkShare { get; init; }

    /// <summary>
    /// For an expert: how many calibration tokens were routed to it. Where that is less than <see cref="Tokens"/> they were too few, and the
    /// layer was fitted to all. Null elsewhere.
    /// </summary>
    public long? RoutedTokens { get; init; }

    /// <summary>The factors of its inputs' channels that were folded into the operation before: how they were chosen, and where they went. Null without any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Scaling { get; init; }

    /// <summary>The relative error of plain rounding of no more bytes, where it is less than the method's; null elsewhere.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? PlainRounding { get; init; }

    /// <summary>Whether plain rounding stands in the method's place, since that was worse or failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Replaced { get; init; }

    /// <summary>How the tokens were weighted that the layer was fitted to.</summary>
    public TokenWeights TokenWeights { get; init; } = TokenWeights.None;
}

/// <summary>What became of the embedding's or the head's table; one where they are tied.</summary>
/// <param name="Form">How it is stored now.</param>
/// <param name="RelativeError">‖W − Ŵ‖² / ‖W‖²: no Gram matrix, so it is not to be compared with those of layers.</param>
public sealed record TableReport(string Name, int Rows, int Columns, LinearFormat Form, long Bits, double BitsPerWeight, double RelativeError);

/// <summary>Seconds per phase of all attempts together; see <see cref="RunPhase"/>. No second counts twice.</summary>
public sealed record PhaseSeconds(double Calibrate, double Resume, double Observe, double Compress, double Forward, double Write)
{
    public double Read { get; init; }

    public double Gram { get; init; }

    public double Loss { get; init; }

    public double Store { get; init; }

    public static PhaseSeconds operator +(PhaseSeconds a, PhaseSeconds b) => new(
        a.Calibrate + b.Calibrate, a.Resume + b.Resume, a.Observe + b.Observe, a.Compress + b.Compress, a.Forward + b.Forward,
        a.Write + b.Write)
    {
        Read = a.Read + b.Read,
        Gram = a.Gram + b.Gram,
        Loss = a.Loss + b.Loss,
        Store = a.Store + b.Store,
    };

    public double Sum() => Calibrate + Resume + Read + Observe + Gram + Compress + Loss + Forward + Store + Write;
}

/// <summary>What a run did, layer by layer; stands as <c>quarank-report.json</c> beside the model.</summary>
/// <param name="Run">SHA-256 of all that decided the result: recipe, model, calibration tokens, program, BLAS library.</param>
/// <param name="BitsPerWeight">Of the compressed layers together.</param>
/// <param name="MeanRelativeError">Mean over the layers.</param>
/// <param name="FileBytes">All tensor files of the new model.</param>
/// <param name="PeakMemoryBytes">The largest resident size of the process in the attempt that finished the run.</param>
/// <param name="CalibrationHash">SHA-256 of the calibration tokens.</param>
/// <param name="Files">SHA-256 of each file of the new model but this report.</param>
public sealed record CompressionReport(
    string Run, string Program, string Blas, Recipe Recipe, double BitsPerWeight, double MeanRelativeError, long FileBytes,
    long CalibrationTokens, string CalibrationHash, PhaseSeconds Seconds, long PeakMemoryBytes, IReadOnlyList<string> Warnings,
    IReadOnlyList<LayerReport> Layers,
    IReadOnlyDictionary<string, string> Files)
{
    public const string FileName = "quarank-report.json";

    /// <summary>
    /// The methods that compressed the layers, without repetition: those of the recipe with what their budgets came to (a rank fraction) and
    /// their names stood for (a preset's options).
    /// </summary>
    public IReadOnlyList<Method> Methods { get; init; } = [];

    /// <summary>What the plan said of the peak of memory before the run; null in reports of earlier versions.</summary>
    public long? PlannedMemoryBytes { get; init; }

    /// <summary>How many blocks are finished, where a run was to stop before its end: there is no model yet. Null for a whole run.</summary>
    public int? StoppedAfter { get; init; }

    /// <summary>How learning went in each block; empty where no method learns.</summary>
    public IReadOnlyList<LearningReport> Learned { get; init; } = [];

    /// <summary>Why this recipe, where it was chosen for its size; null where it was given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Choice { get; init; }

    /// <summary>Embedding and head.</summary>
    public IReadOnlyList<TableReport> Tables { get; init; } = [];

    /// <summary>Of the compressed layers, the embedding and the head together.</summary>
    public double? BitsPerWeightWithTables { get; init; }

    /// <summary>The report of a compressed model's folder; null when there is none that can be read.</summary>
    public static CompressionReport? TryLoad(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            if (!File.Exists(path)) return null;
            return JsonSerializer.Deserialize<CompressionReport>(File.ReadAllText(path), RunJson.Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public string ToJson() => JsonSerializer.Serialize(this, RunJson.Options);
}
