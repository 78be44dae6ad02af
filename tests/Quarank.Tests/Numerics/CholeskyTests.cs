using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

public sealed class CholeskyTests
{
    // Well-conditioned problems of a hundred unknowns: a few hundred roundings of 1e-16.
    private const double Tolerance = 1e-12;

    private static Matrix<double> Positive(int n, int seed)
    {
        var h = LinearAlgebra.Syrk(Plain.Random(n, 2 * n + 3, seed));
        for (int i = 0; i < n; i++) h[i, i] += 1;
        return h;
    }

    [Theory, InlineData(1), InlineData(2), InlineData(65), InlineData(300), InlineData(900)]
    public void The_factor_gives_the_matrix_back(int n)
    {
        var h = Positive(n, 1);
        var lowerOnly = h.Clone();
        for (int i = 0; i < n; i++) lowerOnly.Row(i)[(i + 1)..].Fill(double.NaN); // what must not be read
        Assert.True(LinearAlgebra.TryCholesky(lowerOnly, out var lower, out int pivot));
        Assert.Equal(-1, pivot);
        Assert.InRange(Plain.Error(h, Plain.Product(lower, Plain.Transpose(lower))), 0, Tolerance);
        for (int i = 0; i < n; i++) Assert.All(lower.Row(i)[(i + 1)..].ToArray(), v => Assert.Equal(0, v));

        Assert.True(LinearAlgebra.TryCholesky(Plain.ToSingle(h), out var single, out _));
        Assert.InRange(Plain.Error(lower, Plain.ToDouble(single)), 0, 1e-5);
    }

    [Theory, InlineData(0, 130), InlineData(1, 130), InlineData(40, 130), InlineData(129, 130), InlineData(700, 800)]
    public void The_failing_pivot_is_named(int bad, int n)
    {
        var h = Positive(n, 2);
        h[bad, bad] = -1;
        Assert.False(LinearAlgebra.TryCholesky(h, out _, out int pivot));
        Assert.Equal(bad, pivot);
        h[bad, bad] = double.NaN;
        Assert.False(LinearAlgebra.TryCholesky(h, out _, out pivot));
        Assert.Equal(bad, pivot);
        Assert.False(LinearAlgebra.TryCholesky(Plain.ToSingle(h), out _, out pivot));
        Assert.Equal(bad, pivot);
    }

    [Fact]
    public void Solves_undo_products_from_both_sides()
    {
        Assert.True(LinearAlgebra.TryCholesky(Positive(70, 3), out var lower, out _));
        var upper = Plain.Transpose(lower);
        var (left, right) = (Plain.Random(70, 301, 4), Plain.Random(301, 70, 5));
        void Undoes(Matrix<double> expected, Matrix<double> product, Action<Matrix<double>> solve)
        {
            solve(product);
            Assert.InRange(Plain.Error(expected, product), 0, Tolerance);
        }
        Undoes(left, Plain.Product(lower, left), b => LinearAlgebra.SolveLower(lower, b));
        Undoes(left, Plain.Product(upper, left), b => LinearAlgebra.SolveLower(lower, b, transpose: true));
        Undoes(right, Plain.Product(right, lower), b => LinearAlgebra.SolveLowerRight(lower, b));
        Undoes(right, Plain.Product(right, upper), b => LinearAlgebra.SolveLowerRight(lower, b, transpose: true));
        Undoes(left, Plain.Product(upper, left), b => LinearAlgebra.SolveUpper(upper, b));
        Undoes(left, Plain.Product(lower, left), b => LinearAlgebra.SolveUpper(upper, b, transpose: true));
        Undoes(right, Plain.Product(right, upper), b => LinearAlgebra.SolveUpperRight(upper, b));
        Undoes(right, Plain.Product(right, lower), b => LinearAlgebra.SolveUpperRight(upper, b, transpose: true));

        var (single, expected) = (Plain.ToSingle(Plain.Product(lower, left)), Plain.ToSingle(left));
        LinearAlgebra.SolveLower(Plain.ToSingle(lower), single);
        Assert.InRange(Plain.Error(Plain.ToDouble(expected), Plain.ToDouble(single)), 0, 1e-4);
        single = Plain.ToSingle(Plain.Product(right, upper));
        LinearAlgebra.SolveLowerRight(Plain.ToSingle(lower), single, transpose: true);
        Assert.InRange(Plain.Error(right, Plain.ToDouble(single)), 0, 1e-4);
    }

    [Fact]
    public void A_triangular_product_equals_the_full_one()
    {
        Assert.True(LinearAlgebra.TryCholesky(Positive(70, 6), out var lower, out _));
        var (left, right, upper) = (Plain.Random(70, 301, 7), Plain.Random(301, 70, 8), Plain.Transpose(lower));
        void Equals(Matrix<double> expected, Matrix<double> b, Action<Matrix<double>> multiply)
        {
            multiply(b);
            Assert.InRange(Plain.Error(expected, b), 0, Tolerance);
        }
        Equals(Plain.Product(lower, left), left.Clone(), b => LinearAlgebra.MultiplyLower(lower, b));
        Equals(Plain.Product(upper, left), left.Clone(), b => LinearAlgebra.MultiplyLower(lower, b, transpose: true));
        Equals(Plain.Product(right, lower), right.Clone(), b => LinearAlgebra.MultiplyLowerRight(lower, b));
        Equals(Plain.Product(right, upper), right.Clone(), b => LinearAlgebra.MultiplyLowerRight(lower, b, transpose: true));
        Assert.Throws<ArgumentException>(() => LinearAlgebra.MultiplyLower(lower, right));
    }

    [Fact]
    public void The_inverse_of_a_triangle_inverts_it()
    {
        Assert.True(LinearAlgebra.TryCholesky(Positive(90, 9), out var lower, out _));
        Assert.InRange(Plain.Error(Plain.Identity(90), Plain.Product(lower, LinearAlgebra.InvertLower(lower))), 0, Tolerance);
        lower[50, 50] = 0;
        Assert.Contains("(50, 50)", Assert.Throws<ArgumentException>(() => LinearAlgebra.InvertLower(lower)).Message);
    }
}
