using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>The identities of spec §10.1 on which LoRDQ and its refit stand.</summary>
public class LordqIdentityTests
{
    private static readonly LayerProblem Problem = Some.Problem(40, 64);
    private static readonly Matrix<double> H = Problem.Inputs.Gram;
    private static readonly Matrix<double> Y = LinearAlgebra.TryCholesky(H, out var l, out _) ? l : throw new InvalidOperationException("H is singular.");

    /// <summary>Identity 1: the best product does not depend on which root of H is used.</summary>
    [Fact]
    public void Any_root_of_the_Gram_matrix_gives_the_same_product()
    {
        var eigen = SymmetricEigen.All(H);
        var (root, inverse) = (eigen.Vectors.Clone(), eigen.Vectors.Clone());   // Λ^{1/2} Eᵀ and Λ^{-1/2} Eᵀ
        for (int i = 0; i < 64; i++)
        {
            TensorPrimitives.Multiply(root.Row(i), Math.Sqrt(eigen.Values[i]), root.Row(i));
            TensorPrimitives.Divide(inverse.Row(i), Math.Sqrt(eigen.Values[i]), inverse.Row(i));
        }
        var cholesky = Product(Y, q => LinearAlgebra.SolveLowerRight(Y, q));
        var byEigen = Product(Transposed(root), q => LinearAlgebra.Multiply(q.Clone(), inverse).Data.CopyTo(q.Data));
        var symmetric = LinearAlgebra.TransposeMultiply(eigen.Vectors, root);
        var symmetricInverse = LinearAlgebra.TransposeMultiply(eigen.Vectors, inverse);
        var bySymmetric = Product(symmetric, q => LinearAlgebra.Multiply(q.Clone(), symmetricInverse).Data.CopyTo(q.Data));
        for (int i = 0; i < cholesky.Data.Length; i++)
        {
            Assert.Equal(cholesky.Data[i], byEigen.Data[i], 1e-9);
            Assert.Equal(cholesky.Data[i], bySymmetric.Data[i], 1e-9);
        }
    }

    /// <summary>Identities 2 and 4: Q H Qᵀ = I, and α_ij = v_j · Yᵀ(q̂_i − q_i) is q_jᵀ H (q̂_i − q_i): a root is not needed.</summary>
    [Fact]
    public void Rows_of_Q_are_orthonormal_under_H_and_feedback_needs_no_root()
    {
        var top = TopRank.Factor(LinearAlgebra.Multiply(Weight(), Y), 7);
        var q = top.Vt.Clone();
        LinearAlgebra.SolveLowerRight(Y, q);
        var unit = LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(q, H), q);
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 7; j++) Assert.Equal(i == j ? 1 : 0, unit[i, j], 1e-9);

        var change = q.Clone();
        foreach (ref double v in change.Data) v = Math.Round(v * 8) / 8 - v;
        var fromV = LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(change, Y), top.Vt);
        var fromH = LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(change, H), q);
        for (int i = 0; i < 49; i++) Assert.Equal(fromH.Data[i], fromV.Data[i], 1e-9 * TensorPrimitives.Norm<double>(fromH.Data));
    }

    /// <summary>Identity 11: truncating in two steps is truncating once, in one and the same norm.</summary>
    [Fact]
    public void Two_truncations_in_one_norm_are_one()
    {
        var residual = LinearAlgebra.Multiply(Weight(), Y);
        double once = TopRank.Factor(residual, 11) is var all ? all.Energy - all.Captured : 0;
        foreach (int rank in (int[])[4, 7])
        {
            var top = TopRank.Factor(residual, rank);
            var left = top.Vt.Clone();
            for (int i = 0; i < rank; i++) TensorPrimitives.Multiply(left.Row(i), top.Values[i], left.Row(i));
            TensorPrimitives.Subtract(residual.Data, LinearAlgebra.Multiply(top.U, left).Data, residual.Data);
        }
        Assert.Equal(once, TensorPrimitives.SumOfSquares<double>(residual.Data), 1e-9 * once);
    }

    /// <summary>Identity 5: for one and the same rounded Q, no P is better than the refitted one. Half floats keep P as good as exact.</summary>
    [Theory, InlineData(2, 1), InlineData(2, 30), InlineData(3, 1), InlineData(3, 30)]
    public void Refit_is_the_best_P_for_the_rounded_Q(int qBits, float outlier)
    {
        var problem = Some.Problem(40, 64, outlier: outlier);
        var printed = new Lordq(Blocks: 1, PBits: 16, QBits: qBits, Damping: 0, Rank: 12);
        double refit = Loss(printed with { Refit = true }, problem);
        Assert.True(refit < Loss(printed, problem));
        Assert.True(refit < Loss(printed with { Compensation = false }, problem));
    }

    /// <summary>Identity 17: the uniform ρ of spec §2.5, by codes alone.</summary>
    [Theory]
    [InlineData("Llama-2-7B", 2, 5, 5, 25.31)]
    [InlineData("Llama-2-7B", 2, 4, 4, 31.64)]
    [InlineData("Llama-2-7B", 2, 3, 4, 36.62)]
    [InlineData("Llama-2-7B", 2, 4, 3, 35.71)]
    [InlineData("Llama-2-7B", 2, 3, 3, 42.19)]
    [InlineData("Llama-2-7B", 3, 4, 4, 47.46)]
    [InlineData("Llama-3-8B", 2, 5, 5, 28.69)]
    [InlineData("Llama-3-8B", 2, 4, 4, 35.86)]
    [InlineData("Llama-3-8B", 2, 3, 4, 41.68)]
    [InlineData("Llama-3-8B", 2, 4, 3, 40.31)]
    [InlineData("Llama-3-8B", 2, 3, 3, 47.82)]
    [InlineData("Llama-3-8B", 3, 4, 4, 53.79)]
    public void Uniform_ranks_spend_the_budget_of_the_paper(string model, double bits, int p, int q, double percent)
    {
        var (kv, ffn) = model == "Llama-2-7B" ? (4096, 11008) : (1024, 14336);
        LayerShape[] block =
        [
            new("q", 4096, 4096), new("k", kv, 4096), new("v", kv, 4096), new("o", 4096, 4096),
            new("gate", ffn, 4096), new("up", ffn, 4096), new("down", 4096, ffn),
        ];
        var fitted = (Lordq)new Lordq(bits, PBits: p, QBits: q, Budget: BitBudget.Codes).Fit(block);
        Assert.Equal(percent, 100 * fitted.RankFraction!.Value, 0.006);
    }

    private static double Loss(Method method, LayerProblem problem) => ProxyLoss.Relative(problem, method.Compress(problem));

    private static Matrix<double> Weight()
    {
        var w = new Matrix<double>(40, 64);
        TensorPrimitives.ConvertChecked<float, double>(Problem.Weight.Data, w.Data);
        return w;
    }

    // [W Y]_9 Y⁻¹
    private static Matrix<double> Product(Matrix<double> root, Action<Matrix<double>> divide)
    {
        var top = TopRank.Factor(LinearAlgebra.Multiply(Weight(), root), 9);
        var q = top.Vt.Clone();
        for (int i = 0; i < 9; i++) TensorPrimitives.Multiply(q.Row(i), top.Values[i], q.Row(i));
        divide(q);
        return LinearAlgebra.Multiply(top.U, q);
    }

    private static Matrix<double> Transposed(Matrix<double> m)
    {
        var t = new Matrix<double>(m.Columns, m.Rows);
        for (int i = 0; i < m.Rows; i++)
            for (int j = 0; j < m.Columns; j++) t[j, i] = m[i, j];
        return t;
    }
}
