using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

public sealed class EigenTests
{
    private const double Tolerance = 1e-12;

    [Theory, InlineData(1), InlineData(2), InlineData(77), InlineData(200)]
    public void All_pairs_rebuild_the_matrix_with_values_falling(int n)
    {
        var a = Symmetric(n, 1);
        var (values, vectors) = SymmetricEigen.All(a);
        Assert.Equal(values.OrderDescending(), values);
        Assert.InRange(Plain.Error(Plain.Identity(n), Plain.Product(vectors, Plain.Transpose(vectors))), 0, Tolerance);
        Assert.InRange(Plain.Error(a, Plain.Product(Plain.Transpose(vectors), Scaled(vectors, values))), 0, Tolerance);
        for (int i = 0; i < n; i++) Assert.True(vectors.Row(i).ToArray().MaxBy(Math.Abs) > 0);

        var single = SymmetricEigen.All(Plain.ToSingle(a));
        Assert.InRange(Plain.Error(a, Plain.Product(Plain.Transpose(Plain.ToDouble(single.Vectors)),
            Scaled(Plain.ToDouble(single.Vectors), Array.ConvertAll(single.Values, v => (double)v)))), 0, 1e-5);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(9), InlineData(20), InlineData(60), InlineData(120)]
    public void The_top_pairs_are_the_first_of_all(int count)
    {
        var a = Symmetric(120, 2);
        var (all, top) = (SymmetricEigen.All(a), SymmetricEigen.Top(a, count));
        Assert.Equal((count, 120), (top.Vectors.Rows, top.Vectors.Columns));
        Assert.Equal(count, top.Values.Length);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(all.Values[i], top.Values[i], Tolerance * all.Values[0]);
            for (int j = 0; j < 120; j++) Assert.Equal(all.Vectors[i, j], top.Vectors[i, j], 1e-9); // gaps of 1e-2 magnify rounding
        }
    }

    [Theory, InlineData(0), InlineData(1), InlineData(20), InlineData(60)]
    public void In_float_the_top_pairs_solve_the_same_problem(int count)
    {
        var a = Symmetric(120, 2);
        var (expected, top) = (SymmetricEigen.Top(a, count), SymmetricEigen.Top(Plain.ToSingle(a), count));
        Assert.Equal((count, 120), (top.Vectors.Rows, top.Vectors.Columns));
        for (int i = 0; i < count; i++) Assert.Equal(expected.Values[i], top.Values[i], 1e-5 * expected.Values[0]);
        var images = Plain.Product(Plain.ToDouble(top.Vectors), a);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < 120; j++) Assert.Equal(top.Values[i] * top.Vectors[i, j], images[i, j], 1e-5 * expected.Values[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => SymmetricEigen.Top(Plain.ToSingle(a), 121));
    }

    [Fact]
    public void Clusters_of_equal_values_still_give_an_orthonormal_basis()
    {
        var top = SymmetricEigen.Top(Plain.Identity(100), 10);
        Assert.All(top.Values, v => Assert.Equal(1, v, Tolerance));
        Assert.InRange(Plain.Error(Plain.Identity(10), Plain.Product(top.Vectors, Plain.Transpose(top.Vectors))), 0, Tolerance);
    }

    [Fact]
    public void Only_the_lower_triangle_is_read()
    {
        var a = Symmetric(40, 3);
        var expected = (SymmetricEigen.All(a).Values, SymmetricEigen.Top(a, 3).Values);
        for (int i = 0; i < 40; i++) a.Row(i)[(i + 1)..].Fill(double.NaN);
        Assert.Equal(expected.Item1, SymmetricEigen.All(a).Values);
        Assert.Equal(expected.Item2, SymmetricEigen.Top(a, 3).Values);
    }

    [Fact]
    public void What_has_no_eigenvalues_is_refused()
    {
        var a = Symmetric(10, 4);
        a[7, 2] = double.NaN;
        Assert.Contains("Row 7", Assert.Throws<ArgumentException>(() => SymmetricEigen.All(a)).Message);
        Assert.Throws<ArgumentException>(() => SymmetricEigen.All(new Matrix<double>(2, 3)));
        Assert.Throws<ArgumentOutOfRangeException>(() => SymmetricEigen.Top(Symmetric(3, 5), 4));
    }

    [Theory, InlineData(30, 30), InlineData(20, 55), InlineData(55, 20), InlineData(1, 4)]
    public void The_thin_singular_value_decomposition_agrees_with_MathNet(int m, int n)
    {
        var a = Plain.Random(m, n, 6);
        var svd = Svd.Of(a);
        Assert.InRange(Plain.Error(a, Plain.Product(svd.U, Scaled(svd.Vt, svd.Values))), 0, Tolerance);
        var theirs = MathNet.Numerics.LinearAlgebra.Matrix<double>.Build.Dense(m, n, (i, j) => a[i, j]).Svd(false).S;
        for (int i = 0; i < svd.Values.Length; i++) Assert.Equal(theirs[i], svd.Values[i], 1e-11 * theirs[0]);
        a[0, 1] = double.PositiveInfinity;
        Assert.Throws<ArgumentException>(() => Svd.Of(a));
    }

    private static Matrix<double> Symmetric(int n, int seed)
    {
        var r = Plain.Random(n, n, seed);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < i; j++) r[j, i] = r[i, j];
        return r;
    }

    /// <summary>diag(values) · rows.</summary>
    private static Matrix<double> Scaled(Matrix<double> rows, double[] values)
    {
        var scaled = rows.Clone();
        for (int i = 0; i < rows.Rows; i++)
            for (int j = 0; j < rows.Columns; j++) scaled[i, j] *= values[i];
        return scaled;
    }
}
