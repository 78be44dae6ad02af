using System.Text.Json.Serialization;
using Quarank.Layers;
using Quarank.Numerics.Kernels;

namespace Quarank.Compression.Methods;

/// <summary>What <see cref="Lrc.Rank"/> is a share of.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LrcRank>))]
public enum LrcRank
{
    /// <summary>Of the weights: k (M + N) = share · M N, "10 % of the original weight matrix size".</summary>
    [JsonStringEnumMemberName("weights")] Weights,

    /// <summary>Of the smaller side: k = share · min(M, N).</summary>
    [JsonStringEnumMemberName("width")] Width,

    /// <summary>Of the bytes of the rounded weight.</summary>
    [JsonStringEnumMemberName("bytes")] Bytes,

    /// <summary>Of nothing: k itself.</summary>
    [JsonStringEnumMemberName("fixed")] Fixed,
}

/// <summary>What weights and factors are fitted to.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LrcFit>))]
public enum LrcFit
{
    /// <summary>What the layer gives of the rounded input: LRC.</summary>
    [JsonStringEnumMemberName("outputs")] Outputs,

    /// <summary>The weights alone, as if the input were not rounded: the plain SVD of W − Ŵ, a baseline of the same storage.</summary>
    [JsonStringEnumMemberName("weights")] Weights,
}

/// <summary>
/// LRC (low-rank correction, arXiv:2412.07902; spec §4): y = Ŵ z + U Vᵀ x with z the rounded input and x the input itself. Weights and factors take
/// turns: Ŵ is another method's for the target (W − U Vᵀ) Σxz Σz⁻¹ under Σz, U Vᵀ the best factors of W − Ŵ Σxzᵀ Σx⁻¹ under Σx; they begin with those
/// that are best beside an unrounded Ŵ, and the pair of least J is kept.
/// </summary>
/// <param name="Inner">What makes Ŵ; GPTQ in the paper.</param>
/// <param name="Input">Bits and groups of the input; dynamic.</param>
/// <param name="Rank">Of the factors, as <paramref name="RankOf"/> says.</param>
/// <param name="FactorBits">16 (half floats), 8 or 4.</param>
/// <param name="Iterations">T.</param>
/// <param name="Clip">Which part of the input's range is kept; null: found by search on the calibration tokens.</param>
/// <param name="Damping">λ: λ · mean(diag Σx) is added to Σx and to Σz where they are solved with.</param>
/// <param name="FitTo">What both are fitted to.</param>
public sealed record Lrc(Method Inner, InputGrid Input, double Rank = 0.1, LrcRank RankOf = LrcRank.Weights, int FactorBits = 16, int Iterations = 1,
    double? Clip = 1, double Damping = 0.01, LrcFit FitTo = LrcFit.Outputs) : Method
{
    [JsonIgnore] public override TokenWeights PreferredWeights => Inner.PreferredWeights;

    [JsonIgnore] public override InputRounding? Rounding => new(Input, Clip);

    public override void Validate()
    {
        Rounding!.Validate();
        if (Input.Static) throw new ArgumentException("LRC fits to inputs with ranges of their own, not to a static one.");
        if (Inner is ScaledMethod) throw new ArgumentException("Inputs are rounded when they have been scaled: put LRC inside the method that scales channels.");
        if (Inner.Rounding is not null || Inner.BudgetBitsPerWeight is not null) throw new ArgumentException("LRC is around a method for a grid, rtn or gptq say.");
        Inner.Validate();
        if (!(Rank >= 0 && double.IsFinite(Rank))) throw new ArgumentException($"A rank is from 0 on, not {Rank}.");
        if (RankOf != LrcRank.Fixed && Rank > 1) throw new ArgumentException($"A share is at most 1, not {Rank}; a rank itself needs rankOf fixed.");
        if (RankOf == LrcRank.Fixed && Rank != Math.Floor(Rank)) throw new ArgumentException($"A fixed rank is a whole number, not {Rank}.");
        if (FactorBits is not (4 or 8 or 16)) throw new ArgumentException($"Factors have 16, 8 or 4 bits, not {FactorBits}.");
        if (FitTo == LrcFit.Weights && (Iterations != 1 || Rank == 0)) throw new ArgumentException("The plain SVD of what a weight loses is taken once, and of some rank: fitTo \"weights\" has no iterations and no rank of 0.");
        if (Iterations < 1) throw new ArgumentException($"There is at least one iteration, not {Iterations}.");
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
    }

    /// <summary>k for a layer of this shape; at least 1 unless the rank asked for is 0.</summary>
    public int RankFor(LayerShape layer)
    {
        double sides = layer.Rows + layer.Columns;
        double rank = RankOf switch
        {
            LrcRank.Weights => Rank * layer.Rows * layer.Columns / sides,
            LrcRank.Width => Rank * Math.Min(layer.Rows, layer.Columns),
            LrcRank.Bytes => Rank * Inner.PlannedBits(layer) / (sides * FactorBits + (FactorBits == 16 ? 0 : 32)),
            _ => Rank,
        };
        return Rank == 0 ? 0 : (int)Math.Clamp(Math.Floor(rank), 1, Math.Min(layer.Rows, layer.Columns));
    }

    public override long PlannedBits(LayerShape layer)
    {
        int k = RankFor(layer);
        long factors = k == 0 ? 0 : LrcFactors.BitsOf(layer.Rows, layer.Columns, k, FactorBits);
        return Inner.PlannedBits(layer) + QuantizedInputFormat.RangeBits(Input) + factors;
    }

    internal override long WorkBytes(int rows, int columns) => Inner.WorkBytes(rows, columns) + 8L * (6L * columns * columns + 6L * rows * columns);

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        if (problem.Inputs.Rounded is not { HasSums: true } rounded || rounded.Rounder.Grid != Input)
            throw new ArgumentException($"{problem.Name}: calibration has no sums of this input rounded to {Input.Bits} bits.", nameof(problem));
        return new LrcLayer(this, problem, rounded).Compress();
    }
}
