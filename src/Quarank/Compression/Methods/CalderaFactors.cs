using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Lattice;

namespace Quarank.Compression.Methods;

/// <summary>L R as it is stored: both layers, and what they stand for.</summary>
internal sealed record CalderaFactors(Linear Left, Linear Right, Matrix<double> L, Matrix<double> R)
{
    public Matrix<double> Product() => LinearAlgebra.Multiply(L, R);

    /// <summary>Factors for A in the norm of H = Y Yᵀ: the best ones unrounded, then each rounded and the other fitted to it, the best pair kept.</summary>
    /// <param name="bits">2, 3 or 4: lattice; 16: float16.</param>
    /// <param name="rounds">How often each is rounded; 16-bit factors are rounded once.</param>
    public static CalderaFactors Of(Matrix<double> a, Matrix<double> y, int rank, int bits, int rounds)
    {
        var s = LinearAlgebra.TimesLower(a, y);
        var (l, r) = WeightedLowRank.Factors(s, y, rank);
        if (bits == 16) return Halves(l, r);

        var book = LatticeBook.Of(bits);
        CalderaFactors? best = null;
        double least = double.PositiveInfinity;
        for (int t = 0; t < rounds; t++)
        {
            var (left, lq) = Lattice(BestLeft(s, r, y), book);
            var (right, rq) = Lattice(BestRight(a, lq), book);
            double loss = Loss(s, lq, rq, y);
            if (loss < least || best is null) (least, best) = (loss, new(left, right, lq, rq));
            r = rq;
        }
        return best!;
    }

    // A H Rᵀ (R H Rᵀ)⁻¹, with A Y and R Y at hand.
    internal static Matrix<double> BestLeft(Matrix<double> s, Matrix<double> r, Matrix<double> y)
    {
        var ry = LinearAlgebra.TimesLower(r, y);
        var (left, c) = (LinearAlgebra.MultiplyTransposed(s, ry), Cholesky(LinearAlgebra.MultiplyTransposed(ry, ry)));
        LinearAlgebra.SolveLowerRight(c, left, transpose: true);
        LinearAlgebra.SolveLowerRight(c, left);
        return left;
    }

    // L⁺ A, which is the best R whatever H is.
    internal static Matrix<double> BestRight(Matrix<double> a, Matrix<double> l)
    {
        var (right, c) = (LinearAlgebra.TransposeMultiply(l, a), Cholesky(LinearAlgebra.TransposeMultiply(l, l)));
        LinearAlgebra.SolveLower(c, right);
        LinearAlgebra.SolveLower(c, right, transpose: true);
        return right;
    }

    private static double Loss(Matrix<double> s, Matrix<double> l, Matrix<double> r, Matrix<double> y)
    {
        var left = LinearAlgebra.Multiply(l, LinearAlgebra.TimesLower(r, y));
        TensorPrimitives.Subtract(s.Data, left.Data, left.Data);
        return TensorPrimitives.SumOfSquares<double>(left.Data);
    }

    // Factors of a lower rank than they have room for leave zeros on the diagonal.
    private static Matrix<double> Cholesky(Matrix<double> gram)
    {
        double mean = LinearAlgebra.Trace(gram) / gram.Rows;
        for (double damping = 1e-12; ; damping *= 100)
        {
            var c = gram.Clone();
            for (int i = 0; i < c.Rows; i++) c[i, i] += mean > 0 ? damping * mean : 1;
            if (LinearAlgebra.TryCholeskyInPlace(c, out int pivot)) return c;
            if (damping > 1) throw new InvalidOperationException($"The Gram matrix of a factor of rank {gram.Rows} is not finite at column {pivot}.");
        }
    }

    private static (Linear, Matrix<double>) Lattice(Matrix<double> factor, LatticeBook book)
    {
        var single = new Matrix<float>(factor.Rows, factor.Columns);
        TensorPrimitives.ConvertTruncating<double, float>(factor.Data, single.Data);
        var codes = new LatticeBlocks(book).Nearest(single);
        return (codes.ToLinear(), Wide(codes.Values));
    }

    private static CalderaFactors Halves(Matrix<double> l, Matrix<double> r)
    {
        var (left, right) = (Half(l), Half(r));
        return new(left, right, Wide(left.ToDense()), Wide(right.ToDense()));
    }

    private static DenseLinear Half(Matrix<double> m) =>
        DenseLinear.OfHalves(m.Rows, m.Columns, [.. m.Data.ToArray().Select(v => BitConverter.HalfToUInt16Bits((Half)v))]);

    internal static Matrix<double> Wide(Matrix<float> m)
    {
        var wide = new Matrix<double>(m.Rows, m.Columns);
        TensorPrimitives.ConvertTruncating<float, double>(m.Data, wide.Data);
        return wide;
    }
}
