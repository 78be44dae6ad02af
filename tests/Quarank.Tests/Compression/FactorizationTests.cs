using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Compression;

public sealed class FactorizationTests
{
    /// <summary>Inputs whose directions fall slowly or fast, some of them massive, and weights of rows of different sizes.</summary>
    private static LayerProblem Problem(int rows, int columns, double decay, float outlier)
    {
        var random = new Random(rows * columns);
        var x = new Matrix<double>(2 * columns, columns);
        for (int i = 0; i < x.Rows; i++)
            for (int j = 0; j < columns; j++)
                x[i, j] = (random.NextDouble() - 0.5) * Math.Pow((j + 8) / 8.0, -decay / 2) * (j == 3 ? outlier : 1) + (j > 0 ? 0.4 * x[i, j - 1] : 0);
        var w = new Matrix<float>(rows, columns);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) w[i, j] = (random.NextSingle() + random.NextSingle() - 1) * (1 + i % 5);
        return new("synthetic", w, new(x.Rows, LinearAlgebra.SyrkTransposed(x)));
    }

    // Half floats, for codes of few bits round each component anew when components turn a little within their subspace; over a model's layers
    // that evens out, over one of a few hundred rows it does not.
    [Theory, InlineData(200, 320, 0.5, 1, 16), InlineData(320, 200, 1.0, 10, 16), InlineData(256, 256, 1.5, 100, 16), InlineData(200, 320, 0.5, 1, 4)]
    public void Exact_and_iterated_factors_give_the_same_loss_within_half_a_percent(int rows, int columns, double decay, float outlier, int bits)
    {
        var problem = Problem(rows, columns, decay, outlier);
        var exact = new Lordq(bits == 16 ? 6 : 3, PBits: bits, QBits: bits).Fit([new("synthetic", rows, columns)]);
        double one = ProxyLoss.Relative(problem, exact.Compress(problem));
        double other = ProxyLoss.Relative(problem, ((Lordq)exact with { ExactOrder = 0 }).Compress(problem));
        Assert.NotEqual(one, other);
        Assert.InRange(other / one, 0.995, 1.005);
    }
}
