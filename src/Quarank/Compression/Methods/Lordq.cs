using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// LoRDQ as printed (ICLR 2026 submission 18946, Algorithm 1): W ≈ Σ P⁽ᵏ⁾Q⁽ᵏ⁾, both factors quantized, each block of components the best
/// low-rank fit, on the calibration inputs, of what the blocks before it left.
/// </summary>
/// <remarks>
/// With H = Y Yᵀ (Cholesky), the truncated SVD of the residual R Y = U Σ Vᵀ gives P = U Σ and Q = Vᵀ Y⁻¹. Columns p of P and rows q of Q are
/// quantized from their smallest to their largest entry (Eq. 21), one scale and offset each. Line 10 of Algorithm 1 is read as an update of
/// p_j (spec A1); the rank is a uniform fraction ρ of min(rows, columns) that spends the budget over the whole model (A12), the remainder of
/// r / K going to the first blocks (A13).
/// </remarks>
/// <param name="BitsPerWeight">The budget over all compressed layers; ignored when <paramref name="RankFraction"/> is given.</param>
/// <param name="Blocks">K: how many residual blocks the rank is cut into.</param>
/// <param name="PBits">Bits of P's codes, 2 to 8, or 16 for half floats.</param>
/// <param name="QBits">Bits of Q's codes, 2 to 8, or 16 for half floats.</param>
/// <param name="Compensation">Intra-block error compensation: components still to be quantized make up for the error of a q already quantized.</param>
/// <param name="Budget">What the budget counts.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="RankFraction">ρ; worked out from the budget by <see cref="Fit"/> when absent.</param>
/// <param name="Scales">How scales and offsets are stored.</param>
/// <param name="Rank">Components of every layer (at most min(rows, columns) of each); goes before <paramref name="RankFraction"/> and the budget.</param>
/// <param name="DampingOf">What λ is a part of, if not of the mean.</param>
public sealed record Lordq(
    double BitsPerWeight = 2,
    int Blocks = 2,
    int PBits = 4,
    int QBits = 4,
    bool Compensation = true,
    BitBudget Budget = BitBudget.Bytes,
    double Damping = 0.01,
    double? RankFraction = null,
    ScaleType Scales = ScaleType.Bits16,
    int? Rank = null,
    DampingOf DampingOf = DampingOf.Mean) : Method
{
    public override void Validate()
    {
        foreach (var (name, bits) in new[] { ("P", PBits), ("Q", QBits) })
            if (bits is not (>= 2 and <= 8 or 16)) throw new ArgumentException($"{name} has 2 to 8 bits, or 16, not {bits}.");
        if (Blocks < 1) throw new ArgumentException($"LoRDQ has at least one block, not {Blocks}.");
        if (!(BitsPerWeight > 0 && BitsPerWeight <= 32)) throw new ArgumentException($"A budget lies above 0 and up to 32 bits per weight, not {BitsPerWeight}.");
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
        if (RankFraction is not (null or (> 0 and <= 1))) throw new ArgumentException($"A rank fraction lies above 0 and up to 1, not {RankFraction}.");
        if (Rank < 1) throw new ArgumentException($"A rank is at least 1, not {Rank}.");
    }

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

    /// <summary>The rank that was asked for, as far as the shape has it; else ⌊ρ · min(rows, columns)⌋, and at least 1.</summary>
    internal int RankFor(int rows, int columns) => Rank is { } rank
        ? Math.Min(rank, Math.Min(rows, columns))
        : RankOf(RankFraction ?? throw new InvalidOperationException("A rank fraction is known after Fit."), rows, columns);

    // A fraction such as 8/24 must give 8: the last bits of the quotient do not count.
    internal static int RankOf(double fraction, int rows, int columns) => Math.Max(1, (int)Math.Floor(fraction * Math.Min(rows, columns) + 1e-9));

    /// <summary>Stored bits of a layer at a rank.</summary>
    internal long BitsOf(LayerShape layer, int rank) =>
        (PBits == 16 ? 16L * layer.Rows * rank : PGrid.BitsOf(layer.Rows, rank)) + (QBits == 16 ? 16L * layer.Columns * rank : QGrid.BitsOf(rank, layer.Columns));

    private GridFormat PGrid => new(PBits, 0, GridOffset.Number, GridAxis.Columns, Scales);
    private GridFormat QGrid => new(QBits, 0, GridOffset.Number, GridAxis.Rows, Scales);

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var dead = DampedGram.DeadColumns(problem);
        var y = DampedGram.Factor(problem, Damping, dead, h => LinearAlgebra.TryCholesky(h, out var l, out int pivot) ? (l, 0) : (null, pivot), DampingOf);
        var residual = LinearAlgebra.Multiply(DampedGram.LiveWeight(problem, dead), y);

        int rank = RankFor(problem.Rows, problem.Columns), done = 0;
        var p = new FactorCodes(PBits, PGrid, rank, problem.Rows);
        var q = new FactorCodes(QBits, QGrid, rank, problem.Columns);
        for (int k = 0; k < Blocks && done < rank; k++)
        {
            int count = rank / Blocks + (k < rank % Blocks ? 1 : 0);
            if (count == 0) continue;
            var top = TopRank.Factor(residual, count);
            if (!top.Converged) problem.Note?.Invoke($"block {k + 1} of {Blocks}: the top {count} components were still changing after {top.Passes} passes");
            QuantizeBlock(residual, y, top, p, q, done);
            done += count;
        }
        return new ProductLinear(p.ToColumns(), q.ToRows());
    }

    // Components first … first + count − 1: Algorithm 1, lines 3 to 11.
    private void QuantizeBlock(Matrix<double> residual, Matrix<double> y, TopRankFactors top, FactorCodes p, FactorCodes q, int first)
    {
        int count = top.Values.Length;
        var v = top.Vt;
        var qs = v.Clone();
        LinearAlgebra.SolveLowerRight(y, qs);                       // q_i = Y⁻ᵀ v_i, a row each
        var ps = new Matrix<double>(count, residual.Rows);          // p_i = σ_i u_i, a row each
        for (int i = 0; i < count; i++)
            for (int j = 0; j < residual.Rows; j++) ps[i, j] = top.Values[i] * top.U[j, i];

        // Powers of two move between p and q, so that both scales lie where float16 is at its best.
        var shift = new double[count];
        for (int i = 0; i < count; i++)
        {
            shift[i] = Balance(ps.Row(i), qs.Row(i));
            TensorPrimitives.Multiply(qs.Row(i), 1 / shift[i], qs.Row(i));
        }

        var quantizedQ = new Matrix<double>(count, qs.Columns);
        for (int i = 0; i < count; i++) q.Quantize(first + i, qs.Row(i), quantizedQ.Row(i));

        // α_ij = v_j · Yᵀ(q̂_i − q_i): how much of q_i's error component j can take over.
        Matrix<double>? alpha = null;
        if (Compensation)
        {
            var change = quantizedQ.Clone();
            TensorPrimitives.Subtract(change.Data, qs.Data, change.Data);
            alpha = LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(change, y), v);
        }

        var quantizedP = new Matrix<double>(count, ps.Columns);
        for (int j = 0; j < count; j++)
        {
            var pj = ps.Row(j);
            for (int i = 0; i < j && alpha is not null; i++)
                TensorPrimitives.MultiplyAdd(quantizedP.Row(i), -alpha[i, j], pj, pj);
            TensorPrimitives.Multiply(pj, shift[j], pj);
            p.Quantize(first + j, pj, quantizedP.Row(j));
        }

        // R ← R − P̂ (Q̂ Y)
        var product = LinearAlgebra.TransposeMultiply(quantizedP, LinearAlgebra.Multiply(quantizedQ, y));
        TensorPrimitives.Subtract(residual.Data, product.Data, residual.Data);
    }

    // The power of two that p takes from q.
    private static double Balance(ReadOnlySpan<double> p, ReadOnlySpan<double> q)
    {
        double largestP = Math.Abs(TensorPrimitives.MaxMagnitude(p)), largestQ = Math.Abs(TensorPrimitives.MaxMagnitude(q));
        return largestP > 0 && largestQ > 0 ? Math.ScaleB(1, (int)Math.Round((Math.Log2(largestQ) - Math.Log2(largestP)) / 2)) : 1;
    }
}
