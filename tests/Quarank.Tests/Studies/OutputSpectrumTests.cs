using Quarank.Compression;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Studies.Paper;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Studies;

public class OutputSpectrumTests
{
    public static TheoryData<int, int, int, float> Shapes => new() { { 12, 32, 0, 1 }, { 32, 12, 0, 1 }, { 24, 24, 0, 1 }, { 20, 32, 3, 30 }, { 40, 20, 2, 30 } };

    [Theory, MemberData(nameof(Shapes))]
    public void The_weighted_curve_is_the_tail_of_the_singular_values_of_W_Y(int rows, int columns, int dead, float outlier)
    {
        var problem = Some.Problem(rows, columns, dead, outlier);
        var y = Root(problem.Inputs.Gram);
        double[] squares = [.. Svd.Of(LinearAlgebra.Multiply(Exact(problem.Weight), y)).Values.Select(v => v * v)];
        var spectrum = OutputSpectrum.Of(problem);
        Assert.Equal(Math.Min(rows, columns), spectrum.FullRank);
        for (int r = 0; r <= spectrum.FullRank; r++)
            Assert.Equal(squares[r..].Sum() / squares.Sum(), spectrum.Error(true, r), 1e-10);
    }

    [Theory, MemberData(nameof(Shapes))]
    public void The_plain_curve_is_the_loss_of_the_truncated_decomposition_of_W(int rows, int columns, int dead, float outlier)
    {
        var problem = Some.Problem(rows, columns, dead, outlier);
        var svd = Svd.Of(Exact(problem.Weight));
        var spectrum = OutputSpectrum.Of(problem);
        double total = svd.Values.Sum(v => v * v);
        for (int i = 0; i < spectrum.FullRank; i++) Assert.Equal(svd.Values[i] * svd.Values[i] / total, spectrum.Weights[i], 1e-12);
        for (int r = 0; r <= spectrum.FullRank; r++)
        {
            var truncated = new Matrix<float>(rows, columns);
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                {
                    double sum = 0;
                    for (int k = 0; k < r; k++) sum += svd.U[i, k] * svd.Values[k] * svd.Vt[k, j];
                    truncated[i, j] = (float)sum;
                }
            // The truncated matrix is rounded to floats, whose squares are what the tolerance allows for.
            Assert.Equal(ProxyLoss.Relative(problem, new DenseLinear(truncated)), spectrum.Error(false, r), 1e-6);
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Fitting_to_the_inputs_is_never_worse_at_any_rank_and_both_end_at_nothing(int rows, int columns, int dead, float outlier)
    {
        var spectrum = OutputSpectrum.Of(Some.Problem(rows, columns, dead, outlier));
        for (int r = 0; r <= spectrum.FullRank; r++)
            Assert.True(spectrum.Error(true, r) <= spectrum.Error(false, r) + 1e-12, $"rank {r}");
        Assert.Equal(1, spectrum.Weighted.Sum(), 1e-12);
        Assert.Equal(1, spectrum.Plain.Sum(), 1e-12);
        Assert.Equal(0, spectrum.Error(true, spectrum.FullRank));
        Assert.Equal(spectrum.Weighted.OrderDescending(), spectrum.Weighted);
    }

    [Fact]
    public void On_white_inputs_both_decompositions_are_one()
    {
        var problem = Some.Problem(16, 24);
        var white = new Matrix<double>(24, 24);
        for (int i = 0; i < 24; i++) white[i, i] = 2;
        var spectrum = OutputSpectrum.Of(problem with { Inputs = new(1, white) });
        for (int i = 0; i < 16; i++)
        {
            Assert.Equal(spectrum.Weighted[i], spectrum.Plain[i], 1e-12);
            Assert.Equal(spectrum.Weights[i], spectrum.Plain[i], 1e-12);
        }
    }

    [Fact]
    public void Ranks_are_the_nearest_to_a_fraction_and_never_none()
    {
        var spectrum = new OutputSpectrum("a.q_proj", "q_proj", 8, 4, [0.5, 0.3, 0.2, 0], [0.4, 0.3, 0.2, 0.1], [1, 0, 0, 0]);
        Assert.Equal([1, 2, 4, 4], new[] { 0.005, 0.4, 1, 1.5 }.Select(spectrum.RankAt));
        Assert.Equal([0, 0.25, 0.5, 0.75], new[] { 0, 0.5, 0.7, 1 }.Select(spectrum.FractionFor));
    }

    private static Matrix<double> Exact(Matrix<float> m) => new(m.Rows, m.Columns, [.. m.Data.ToArray().Select(v => (double)v)]);

    // A root of H from its eigenvectors, which H may be singular for.
    private static Matrix<double> Root(Matrix<double> h)
    {
        var eigen = SymmetricEigen.All(h);
        var root = new Matrix<double>(h.Rows, h.Rows);
        for (int i = 0; i < h.Rows; i++)
            for (int j = 0; j < h.Rows; j++) root[i, j] = eigen.Vectors[j, i] * Math.Sqrt(Math.Max(0, eigen.Values[j]));
        return root;
    }
}
