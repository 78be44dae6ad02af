using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>LoRDQ's refit (spec §2.6): Q is rounded first; P is then solved for, so that it suits the rounded Q best, and rounded.</summary>
internal sealed class LordqRefit(Lordq method, Matrix<double> y, Matrix<float>? feedback)
{
    // Added to the diagonal of Q̂ H Q̂ᵀ, in parts of its mean: components beyond the numerical rank are zero.
    private const double Ridge = 1e-6, MostRidge = 1e3;

    /// <summary>Steps (a) to (c) for one block of a residual R Y.</summary>
    public void Quantize(Matrix<double> residual, TopRankFactors top, LordqBlock block)
    {
        var (_, qs, _) = LordqPrinted.Vectors(y, top);
        if (method.Feedback.HasFlag(LordqFeedback.Q)) block.Q.RoundAlong(qs, feedback!);
        else block.Q.RoundAll(qs);
        QuantizeP(residual, [block]);
    }

    /// <summary>Steps (b) and (c) for the blocks of a whole layer together; kept if the residual, which is then that of the new blocks, is smaller.</summary>
    public void Together(Matrix<double> target, ref Matrix<double> residual, List<LordqBlock> blocks)
    {
        LordqBlock[] anew = [.. blocks.Select(b => b with { P = b.P.Anew() })];
        QuantizeP(target, anew);
        var left = target.Clone();
        TensorPrimitives.Subtract(left.Data, LinearAlgebra.TimesLower(LordqBlock.Product(anew), y).Data, left.Data);
        if (LordqFactors.Loss(left) >= LordqFactors.Loss(residual)) return;
        residual = left;
        for (int k = 0; k < anew.Length; k++) blocks[k] = anew[k];
    }

    // P = T Bᵀ (B Bᵀ)⁻¹ with B = Q̂ Y, then its columns one by one.
    private void QuantizeP(Matrix<double> target, LordqBlock[] blocks)
    {
        var b = LordqBlock.Stack([.. blocks.Select(k => k.Weighted(y))]);
        var gram = LinearAlgebra.Syrk(b);
        var factor = Cholesky(gram);
        var p = LinearAlgebra.MultiplyTransposed(b, target);    // a column of P a row
        LinearAlgebra.SolveLower(factor, p);
        LinearAlgebra.SolveLower(factor, p, transpose: true);

        var inverse = method.Feedback.HasFlag(LordqFeedback.P) ? InverseFactor(gram) : null;
        int j = 0;
        foreach (var block in blocks)
            for (int k = 0; k < block.Count; k++, j++)
            {
                block.P.Round(k, p.Row(j));
                if (inverse is not null) Feed(p, j, block.P.Values.Row(k), inverse);
            }
    }

    // The error of column j spread over the columns after it, as GPTQ does with the columns of a weight.
    private static void Feed(Matrix<double> p, int j, ReadOnlySpan<double> rounded, Matrix<double> inverse)
    {
        var error = p.Row(j);
        TensorPrimitives.Subtract(error, rounded, error);
        TensorPrimitives.Divide(error, inverse[j, j], error);
        for (int k = j + 1; k < p.Rows; k++) TensorPrimitives.MultiplyAdd(error, -inverse[j, k], p.Row(k), p.Row(k));
    }

    // Of the damped matrix, which is left damped.
    private static Matrix<double> Cholesky(Matrix<double> gram)
    {
        double mean = Math.Max(LinearAlgebra.Trace(gram) / gram.Rows, double.Epsilon * 1e20);
        for (double ridge = Ridge; ridge <= MostRidge; ridge *= 10)
        {
            for (int i = 0; i < gram.Rows; i++) gram[i, i] += ridge * mean;
            if (LinearAlgebra.TryCholesky(gram, out var lower, out _)) return lower;
        }
        throw new InvalidDataException($"LoRDQ's refit: the Gram matrix of {gram.Rows} rounded components is not positive definite, or not finite; "
            + "leave out the refit for this layer, or look for what overflows in its weights or inputs.");
    }

    // U upper triangular with G⁻¹ = Uᵀ U: from the Cholesky factor of G read backwards, J G J = L Lᵀ, U = J L⁻¹ J.
    private static Matrix<double>? InverseFactor(Matrix<double> gram)
    {
        var backwards = gram.Clone();
        backwards.Data.Reverse();
        if (!LinearAlgebra.TryCholesky(backwards, out var lower, out _)) return null;
        var inverse = LinearAlgebra.InvertLower(lower);
        inverse.Data.Reverse();
        return inverse;
    }
}
