using System.Text.Json.Serialization;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// LoRDQ (ICLR 2026 submission 18946): W ≈ Σ P⁽ᵏ⁾Q⁽ᵏ⁾, both factors quantized, each block of components the best low-rank fit, on the
/// calibration inputs, of what the blocks before it left. The defaults are Algorithm 1 as printed; the other options mend it.
/// </summary>
/// <remarks>
/// With H = Y Yᵀ (Cholesky), the truncated SVD of the residual R Y = U Σ Vᵀ gives P = U Σ and Q = Vᵀ Y⁻¹. Columns p of P and rows q of Q are
/// quantized, as printed, from their smallest to their largest entry (Eq. 21), one scale and offset each. Line 10 of Algorithm 1 is read as an
/// update of p_j (spec A1); the rank is a uniform fraction ρ of min(rows, columns) that spends the budget over the whole model (A12), the
/// remainder of r / K going to the first blocks (A13).
/// </remarks>
/// <param name="BitsPerWeight">The budget over all compressed layers; ignored when a rank or <paramref name="RankFraction"/> is given.</param>
/// <param name="Blocks">K: how many residual blocks the rank is cut into.</param>
/// <param name="PBits">Bits of P's codes, 2 to 8, or 16 for half floats.</param>
/// <param name="QBits">Bits of Q's codes, 2 to 8, or 16 for half floats.</param>
/// <param name="Compensation">Intra-block error compensation as printed: components still to be quantized make up for the error of a q already
/// quantized. <paramref name="Refit"/>, which solves for all of P, stands in its place.</param>
/// <param name="Budget">What the budget counts.</param>
/// <param name="Ranks">How the budget becomes ranks.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="RankFraction">ρ; worked out from the budget by <see cref="Fit"/> when absent.</param>
/// <param name="Scales">How scales and offsets are stored.</param>
/// <param name="Rank">Components of every layer (at most min(rows, columns) of each); goes before <paramref name="RankFraction"/> and the budget.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
/// <param name="Refit">Round Q first, then solve for the P that suits the rounded Q best, and round that (spec §2.6).</param>
/// <param name="Feedback">Which factors are rounded with error feedback, Q under H and P under Q̂ H Q̂ᵀ.</param>
/// <param name="Sweeps">How often, at the end, each block is fitted anew to what the others leave; kept where the loss falls.</param>
/// <param name="Levels">What the factors' codes stand for; codes of more than 4 bits, which have no table, are symmetric where it says normal.</param>
/// <param name="Range">How the range of a factor's vector or group is chosen.</param>
/// <param name="GroupSize">Entries of a factor's vector that share a scale; 0 = all of them.</param>
/// <param name="Lead">More bits for the components of the largest singular values.</param>
/// <param name="Rest">A coarse grid that carries what the factors leave, or the matrix whose error they mend.</param>
public sealed record Lordq(
    double BitsPerWeight = 2,
    int Blocks = 2,
    int PBits = 4,
    int QBits = 4,
    bool Compensation = true,
    BitBudget Budget = BitBudget.Bytes,
    RankRule Ranks = RankRule.Uniform,
    double Damping = 0.01,
    double? RankFraction = null,
    ScaleType Scales = ScaleType.Bits16,
    int? Rank = null,
    DampingOf DampingOf = DampingOf.Mean,
    bool Refit = false,
    LordqFeedback Feedback = LordqFeedback.None,
    int Sweeps = 0,
    CodeLevels Levels = CodeLevels.Offset,
    GridRange Range = GridRange.MinMax,
    int GroupSize = 0,
    LordqLead? Lead = null,
    LordqRest? Rest = null) : Method
{
    public override void Validate()
    {
        if (Blocks < 1) throw new ArgumentException($"LoRDQ has at least one block, not {Blocks}.");
        if (!(BitsPerWeight > 0 && BitsPerWeight <= 32)) throw new ArgumentException($"A budget lies above 0 and up to 32 bits per weight, not {BitsPerWeight}.");
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
        if (Ranks == RankRule.WaterFilling && Budget == BitBudget.Codes) throw new ArgumentException("Water-filling counts every stored byte; leave out the budget \"codes\".");
        if (RankFraction is not (null or (> 0 and <= 1))) throw new ArgumentException($"A rank fraction lies above 0 and up to 1, not {RankFraction}.");
        if (Rank < 1) throw new ArgumentException($"A rank is at least 1, not {Rank}.");
        if (Sweeps < 0) throw new ArgumentException($"Sweeps are counted from 0 on, not {Sweeps}.");
        if (!Refit && (Feedback != LordqFeedback.None || Sweeps > 0)) throw new ArgumentException("Feedback and sweeps belong to LoRDQ's refit.");
        ValidateBits(PBits, QBits);
        for (var lead = Lead; lead is not null; lead = lead.Then)
        {
            lead.Validate();
            ValidateBits(lead.PBits, lead.QBits);
        }
        Rest?.Validate(Scales);
    }

    private void ValidateBits(int pBits, int qBits)
    {
        foreach (var (name, bits) in new[] { ("P", pBits), ("Q", qBits) })
        {
            if (bits is not (>= 2 and <= 8 or 16)) throw new ArgumentException($"{name} has 2 to 8 bits, or 16, not {bits}.");
            GridOf(bits);
        }
    }

    [JsonIgnore] public override double? BudgetBitsPerWeight => Rank is null && RankFraction is null ? BitsPerWeight : null;

    public override Method Fit(IReadOnlyList<LayerShape> layers) =>
        Rank is null && RankFraction is null ? this with { RankFraction = LordqBudget.RankFraction(this, layers) } : this;

    /// <summary>The rank fraction for that many stored bits, whatever the recipe's budget counts.</summary>
    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        var method = this with { BitsPerWeight = bitsPerWeight, Budget = BitBudget.Bytes, RankFraction = null, Rank = null };
        try
        {
            method.Validate();
            method.Fit(layers);
            return method;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    public override long PlannedBits(LayerShape layer) => BitsOf(layer, RankFor(layer.Rows, layer.Columns));

    /// <summary>The largest smaller side of a layer that is factorized exactly; beyond it by iteration. Of the machine's time, not of the method.</summary>
    internal int ExactOrder { get; init; } = TopRank.ExactOrder;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        return LordqLayer.Compress(this, problem);
    }

    // Y, and with feedback its factor; W, W Y, what is left of it, and an image of a block or two; the smaller Gram matrix with the solver's
    // workspace; U, V and the factors, a few times.
    internal override long WorkBytes(int rows, int columns)
    {
        long n = columns, all = (long)rows * columns, small = Math.Min(rows, columns);
        long rank = Rank is null && RankFraction is null ? small / 3 : RankFor(rows, columns);
        bool feedback = Feedback.HasFlag(LordqFeedback.Q) || Rest is { Feedback: true };
        return 8 * n * n + (feedback ? 16 * n * n : 0) + (Rest is null ? 44 : 76) * all + 24 * small * small + 40 * rank * (rows + columns);
    }

    /// <summary>The rank that was asked for, as far as the shape has it; else ⌊ρ · min(rows, columns)⌋, and at least 1.</summary>
    internal int RankFor(int rows, int columns) => Rank is { } rank
        ? Math.Min(rank, Math.Min(rows, columns))
        : RankOf(RankFraction ?? throw new InvalidOperationException("A rank fraction is known after Fit."), rows, columns);

    // A fraction such as 8/24 must give 8: the last bits of the quotient do not count.
    internal static int RankOf(double fraction, int rows, int columns) => Math.Max(1, (int)Math.Floor(fraction * Math.Min(rows, columns) + 1e-9));

    /// <summary>Stored bits of a layer at a rank.</summary>
    /// <param name="rank">1 … min(rows, columns).</param>
    public long BitsOf(LayerShape layer, int rank)
    {
        long bits = Rest?.GridOf(Scales).BitsOf(layer.Rows, layer.Columns) ?? 0;
        foreach (var (count, pBits, qBits) in Bands(layer.Rows, layer.Columns, rank))
        {
            bits += GridOf(pBits)?.ByColumns().BitsOf(layer.Rows, count) ?? 16L * layer.Rows * count;
            bits += GridOf(qBits)?.BitsOf(count, layer.Columns) ?? 16L * layer.Columns * count;
        }
        return bits;
    }

    /// <summary>Bits of the codes alone.</summary>
    internal double CodeBitsOf(LayerShape layer, int rank) =>
        (double)(Rest?.Bits ?? 0) * layer.Rows * layer.Columns
        + Bands(layer.Rows, layer.Columns, rank).Sum(b => b.Count * ((double)b.PBits * layer.Rows + (double)b.QBits * layer.Columns));

    /// <summary>The components by falling singular values: so many with so many bits; each band is one product.</summary>
    internal IEnumerable<(int Count, int PBits, int QBits)> Bands(int rows, int columns, int rank)
    {
        for (var lead = Lead; lead is not null && rank > 0; lead = lead.Then)
        {
            int count = Math.Min(lead.CountOf(rows, columns), rank);
            if (count > 0) yield return (count, lead.PBits, lead.QBits);
            rank -= count;
        }
        if (rank > 0) yield return (rank, PBits, QBits);
    }

    /// <summary>How a factor of so many bits is rounded; null for half floats.</summary>
    internal CodeGrid? GridOf(int bits) => bits == 16 ? null
        : CodeGrid.Of(bits, GroupSize, Levels == CodeLevels.Normal && bits > 4 ? CodeLevels.Symmetric : Levels, Range, Scales);
}

/// <summary>Which of LoRDQ's factors are rounded with error feedback.</summary>
[Flags, JsonConverter(typeof(JsonStringEnumConverter<LordqFeedback>))]
public enum LordqFeedback
{
    [JsonStringEnumMemberName("none")] None = 0,
    [JsonStringEnumMemberName("p")] P = 1,
    [JsonStringEnumMemberName("q")] Q = 2,
    [JsonStringEnumMemberName("both")] Both = 3,
}
