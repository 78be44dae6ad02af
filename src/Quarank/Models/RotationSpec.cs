using Quarank.Models.Architectures;
using Quarank.Numerics;
using Quarank.Numerics.Hadamard;

namespace Quarank.Models;

/// <summary>
/// In which rotated coordinates a checkpoint's weights are (QuaRot, Ashkboos et al. 2024, arXiv:2404.00456): <c>quarank.rotation</c> of config.json. The
/// residual stream is always turned by random signs and a Hadamard matrix, which the weights on both of its sides hold, and the gains of its norms
/// are folded into the layers after them; the other rotations are done partly while the model runs.
/// </summary>
/// <param name="Seed">Of the residual stream's signs (<see cref="SignedHadamard"/>).</param>
/// <param name="Values">Within each head by the layers of values and output, and across the heads here, before the output layer.</param>
/// <param name="Down">Before the feed-forward part's last layer.</param>
/// <param name="Keys">Each head's queries and keys, after their positions: scores stay, and what the cache rounds is flat.</param>
public sealed record RotationSpec(int Seed, bool Values, bool Down, bool Keys)
{
    /// <summary>
    /// Whether everything that enters the residual stream had its mean taken off before it was turned. A layer norm has then no mean left to take, its gain and shift are in the
    /// layers after it, and it runs as an RMS norm; the last one, which no layer with a bias follows, runs as it was on states turned back.
    /// </summary>
    public bool Centred { get; init; }

    /// <summary>Of config.json's section.</summary>
    internal int Version => Centred ? 3 : 2;

    /// <summary>Reads the section; null where there is none.</summary>
    internal static RotationSpec? Read(ConfigReader config) => config.Section("quarank")?.Section("rotation") is { } r
        ? new(r.Count("seed", 0), r.Flag("values"), r.Flag("down"), r.Flag("keys")) { Centred = r.Flag("centred") } : null;

    /// <summary>Of the residual stream.</summary>
    public SignedHadamard Residual(ModelSpec spec) => new(spec.HiddenSize, Seed);

    /// <summary>Why a model of this kind cannot be rotated; null where it can.</summary>
    public static string? Refusal(ModelSpec spec) =>
        spec.NormPlacement == NormPlacement.AfterSum ? "its norms stand in the residual stream itself"
        : spec.EmbeddingSize is not null ? "projections stand between its residual stream and its tables"
        : spec.Norm != NormKind.Layer ? null
        : !spec.FinalNorm ? "its head reads states whose mean no norm takes off"
        : !spec.NormWeights ? "its layer norms have no weights"
        : !(spec.QueryKeyValueBias && spec.MlpBias) ? "its layers have no biases to take the shifts of its layer norms"
        : null;
}

/// <summary>The rotations that a rotated model does while it runs.</summary>
internal sealed class OnlineRotation
{
    private readonly AcrossHeads? _heads;
    private readonly HadamardTransform? _down;

    public OnlineRotation(ModelSpec spec)
    {
        if (spec.Rotation is not { } rotation) return;
        if (rotation.Values) _heads = new(spec.HeadCount, spec.HeadSize);
        if (rotation.Down) _down = HadamardTransform.Of(spec.IntermediateSize);
        if (rotation.Keys) Keys = HadamardTransform.Of(spec.HeadSize);
    }

    /// <summary>Of a head's queries and keys; null leaves them.</summary>
    public HadamardTransform? Keys { get; }

    /// <summary>What the output layer reads; tokens × QuerySize.</summary>
    public void Attended(Matrix<float> x)
    {
        if (_heads is null) return;
        if (x.Rows == 1) _heads.Forward(x.Row(0));
        else AttendedRows(x, _heads);
    }

    /// <summary>What the feed-forward part's last layer reads; tokens × IntermediateSize.</summary>
    public void Inner(Matrix<float> x)
    {
        if (_down is null) return;
        if (x.Rows == 1) _down.Forward(x.Row(0));
        else InnerRows(x, _down);
    }

    // Closures would be made even for one token, were they in the methods above.
    private static void AttendedRows(Matrix<float> x, AcrossHeads heads) => RowWise.For(x.Rows, (first, count) =>
    {
        for (int t = first; t < first + count; t++) heads.Forward(x.Row(t));
    });

    private static void InnerRows(Matrix<float> x, HadamardTransform down) => RowWise.For(x.Rows, (first, count) =>
    {
        for (int t = first; t < first + count; t++) down.Forward(x.Row(t));
    });
}

/// <summary>A norm that reads a residual stream in the coordinates it had before it was turned.</summary>
internal sealed class TurnedBackNorm(Norm norm, SignedHadamard rotation) : Norm
{
    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        x.CopyTo(y);
        rotation.Backward(y);
        norm.Apply(y, y);
    }
}

/// <summary>A norm whose result enters a residual stream in rotated coordinates.</summary>
internal sealed class TurnedNorm(Norm norm, SignedHadamard rotation) : Norm
{
    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        norm.Apply(x, y);
        rotation.Forward(y);
    }
}
