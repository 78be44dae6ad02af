using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

[Collection(nameof(ThreadsTests))]
public sealed class ProductTests : IDisposable
{
    // A sum of k products in float errs by a few ε = 6e-8 of its size, in double by a few 1e-16.
    private const double Single = 1e-6, Double = 1e-14;
    private readonly int _before = Threads.Count;

    public void Dispose() => Threads.Count = _before;

    [Theory, InlineData(1, 1, 1), InlineData(3, 5, 7), InlineData(67, 129, 35), InlineData(16, 900, 64), InlineData(770, 500, 33), InlineData(5, 4, 0)]
    public void The_three_products_agree_with_plain_loops(int m, int n, int k)
    {
        var (a, b) = (Plain.Random(m, k, 1), Plain.Random(k, n, 2));
        var (at, bt, expected) = (Plain.Transpose(a), Plain.Transpose(b), Plain.Product(a, b));
        Assert.InRange(Plain.Error(expected, LinearAlgebra.Multiply(a, b)), 0, Double);
        Assert.InRange(Plain.Error(expected, LinearAlgebra.MultiplyTransposed(a, bt)), 0, Double);
        Assert.InRange(Plain.Error(expected, LinearAlgebra.TransposeMultiply(at, b)), 0, Double);

        var (fa, fb, fat, fbt) = (Plain.ToSingle(a), Plain.ToSingle(b), Plain.ToSingle(at), Plain.ToSingle(bt));
        Assert.InRange(Plain.Error(expected, Plain.ToDouble(LinearAlgebra.Multiply(fa, fb))), 0, Single);
        Assert.InRange(Plain.Error(expected, Plain.ToDouble(LinearAlgebra.MultiplyTransposed(fa, fbt))), 0, Single);
        Assert.InRange(Plain.Error(expected, Plain.ToDouble(LinearAlgebra.TransposeMultiply(fat, fb))), 0, Single);
    }

    [Theory, InlineData(170, 200, 1), InlineData(300, 170, 1e-9), InlineData(30, 200, 1), InlineData(170, 200, 1e30)]
    public void A_triangle_in_floats_multiplies_as_in_double_to_their_precision(int rows, int order, double size)
    {
        var (b, lower) = (Plain.Random(rows, order, 3), Plain.Random(order, order, 4));
        for (int i = 0; i < order; i++)
            for (int j = 0; j < order; j++) lower[i, j] = j > i ? 0 : size * lower[i, j];
        var expected = LinearAlgebra.TimesLower(b, lower);
        // Small ones, and numbers that floats do not hold, are multiplied in double.
        double allowed = rows < 160 || size > 1e12 ? 0 : Single;
        Assert.InRange(Plain.Error(expected, LinearAlgebra.TimesLowerInSingle(b, lower)), 0, allowed);
    }

    [Fact]
    public void Results_are_the_same_bits_at_any_thread_count()
    {
        var (a, b) = (Plain.ToSingle(Plain.Random(901, 130, 3)), Plain.ToSingle(Plain.Random(1003, 130, 4)));
        Threads.Count = 1;
        var expected = LinearAlgebra.MultiplyTransposed(a, b).Data.ToArray();
        foreach (int threads in new[] { 2, 3, 8 })
        {
            Threads.Count = threads;
            Assert.Equal(expected, LinearAlgebra.MultiplyTransposed(a, b).Data.ToArray());
        }
    }

    [Fact]
    public void A_slice_multiplies_as_its_copy_does_and_touches_nothing_around_it()
    {
        var (a, b) = (Plain.Random(40, 30, 5), Plain.Random(50, 30, 6));
        var expected = Plain.Product(Part(a, 3, 20, 5, 11), Plain.Transpose(Part(b, 10, 25, 7, 11)));
        var c = Plain.Random(60, 70, 7);
        var before = c.Clone();
        LinearAlgebra.MultiplyTransposed(new MatrixSlice<double>(a, 3, 20, 5, 11), new MatrixSlice<double>(b, 10, 25, 7, 11), new MatrixSlice<double>(c, 8, 20, 9, 25));
        Assert.InRange(Plain.Error(expected, Part(c, 8, 20, 9, 25)), 0, Double);
        for (int i = 0; i < c.Rows; i++)
            for (int j = 0; j < c.Columns; j++)
                if (i is < 8 or >= 28 || j is < 9 or >= 34) Assert.Equal(before[i, j], c[i, j]);
        Assert.InRange(Plain.Error(Plain.Product(Part(a, 3, 20, 0, 30), Plain.Transpose(b)), LinearAlgebra.MultiplyTransposed(a.SliceRows(3, 20), b)), 0, Double);
        Assert.InRange(Plain.Error(Plain.Product(Part(a, 0, 40, 5, 25), Plain.Transpose(Part(b, 0, 50, 5, 25))),
            LinearAlgebra.MultiplyTransposed(a.SliceColumns(5, 25), b.SliceColumns(5, 25))), 0, Double);
    }

    [Fact]
    public void Gemm_scales_adds_and_ignores_what_beta_zero_hides()
    {
        var (a, b, c) = (Plain.Random(4, 3, 8), Plain.Random(3, 5, 9), Plain.Random(4, 5, 10));
        var product = Plain.Product(a, b);
        var expected = c.Clone();
        for (int i = 0; i < expected.Data.Length; i++) expected.Data[i] = 2 * product.Data[i] - 0.5 * c.Data[i];
        LinearAlgebra.Gemm(false, false, 4, 5, 3, 2, a.Data, 3, b.Data, 5, -0.5, c.Data, 5);
        Assert.InRange(Plain.Error(expected, c), 0, Double);

        c.Data.Fill(double.NaN);
        LinearAlgebra.Gemm(false, false, 4, 5, 3, 1, a.Data, 3, b.Data, 5, 0, c.Data, 5);
        Assert.InRange(Plain.Error(product, c), 0, Double);
        LinearAlgebra.Gemm(false, false, 4, 5, 0, 1, a.Data, 3, b.Data, 5, 2, c.Data, 5);
        Assert.InRange(Plain.Error(product, c), 0.9999, 1.0001); // 2 p − p
    }

    [Fact]
    public void Wrong_lengths_never_reach_the_library()
    {
        var (a, b, c) = (new float[12], new float[15], new float[20]);
        Assert.Throws<ArgumentException>(() => LinearAlgebra.Gemm(false, false, 4, 5, 3, 1, a.AsSpan(1), 3, b, 5, 0, c, 5));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.Gemm(false, false, 4, 5, 3, 1, a, 3, b.AsSpan(1), 5, 0, c, 5));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.Gemm(false, false, 4, 5, 3, 1, a, 3, b, 5, 0, c.AsSpan(1), 5));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.Gemm(false, false, 4, 5, 3, 1, a, 2, b, 5, 0, c, 5));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.Gemm(true, false, 4, 5, 3, 1, a, 3, b, 5, 0, c, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => LinearAlgebra.Gemm(false, false, -4, 5, 3, 1, a, 3, b, 5, 0, c, 5));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.Multiply(new Matrix<float>(2, 3), new Matrix<float>(4, 2)));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.Multiply(new Matrix<float>(2, 3), new Matrix<float>(3, 2), new Matrix<float>(2, 3)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Matrix<float>(2, 3).SliceRows(1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Matrix<float>(2, 3).SliceColumns(-1, 2));
    }

    private static Matrix<double> Part(Matrix<double> m, int row, int rows, int column, int columns)
    {
        var part = new Matrix<double>(rows, columns);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) part[i, j] = m[row + i, column + j];
        return part;
    }
}
