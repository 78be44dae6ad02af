using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>LoRDQ's Algorithm 1, lines 3 to 10: one block as printed.</summary>
internal static class LordqPrinted
{
    public static void Quantize(Matrix<double> y, TopRankFactors top, LordqBlock block, bool compensation)
    {
        var (ps, qs, shift) = Vectors(y, top);
        block.Q.RoundAll(qs);

        // α_ij = v_j · Yᵀ(q̂_i − q_i): how much of q_i's error component j can take over. Before rounding, q_i Y is v_i over its power of two.
        Matrix<double>? alpha = null;
        if (compensation)
        {
            var change = block.Weighted(y).Clone();
            for (int i = 0; i < block.Count; i++) TensorPrimitives.MultiplyAdd(top.Vt.Row(i), -1 / shift[i], change.Row(i), change.Row(i));
            alpha = LinearAlgebra.MultiplyTransposed(change, top.Vt);
        }

        for (int j = 0; j < block.Count; j++)
        {
            var pj = ps.Row(j);
            for (int i = 0; i < j && alpha is not null; i++)
                TensorPrimitives.MultiplyAdd(block.P.Values.Row(i), -alpha[i, j], pj, pj);
            TensorPrimitives.Multiply(pj, shift[j], pj);
            block.P.Round(j, pj);
        }
    }

    /// <summary>p_i = σ_i u_i and q_i = Y⁻ᵀ v_i, a row each, q_i divided by a power of two that p_i is still to be multiplied by.</summary>
    public static (Matrix<double> P, Matrix<double> Q, double[] Shift) Vectors(Matrix<double> y, TopRankFactors top)
    {
        int count = top.Values.Length, rows = top.U.Rows;
        var qs = WeightedLowRank.Right(top, y);
        var ps = new Matrix<double>(count, rows);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < rows; j++) ps[i, j] = top.Values[i] * top.U[j, i];

        // Powers of two move between p and q, so that both scales lie where float16 is at its best.
        var shift = new double[count];
        for (int i = 0; i < count; i++)
        {
            shift[i] = Balance(ps.Row(i), qs.Row(i));
            TensorPrimitives.Multiply(qs.Row(i), 1 / shift[i], qs.Row(i));
        }
        return (ps, qs, shift);
    }

    // The power of two that p takes from q.
    private static double Balance(ReadOnlySpan<double> p, ReadOnlySpan<double> q)
    {
        double largestP = Math.Abs(TensorPrimitives.MaxMagnitude(p)), largestQ = Math.Abs(TensorPrimitives.MaxMagnitude(q));
        return largestP > 0 && largestQ > 0 ? Math.ScaleB(1, (int)Math.Round((Math.Log2(largestQ) - Math.Log2(largestP)) / 2)) : 1;
    }
}
