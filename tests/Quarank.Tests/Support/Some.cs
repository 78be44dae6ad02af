using Quarank.Compression;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Tests.Support;

/// <summary>Seeded sample data for tests.</summary>
internal static class Some
{
    /// <summary>Uniform values in [−1, 1).</summary>
    public static Matrix<float> Matrix(int rows, int columns, int seed = 1)
    {
        var random = new Random(seed);
        var m = new Matrix<float>(rows, columns);
        foreach (ref float v in m.Data) v = random.NextSingle() * 2 - 1;
        return m;
    }

    /// <summary>Sums of inputs (a token a row) and what they are rounded to, in double.</summary>
    public static RoundedStatistics Rounded(Matrix<float> x, InputRounder rounder)
    {
        Matrix<double> wide = new(x.Rows, x.Columns), rounded = new(x.Rows, x.Columns);
        var z = new float[x.Columns];
        for (int t = 0; t < x.Rows; t++)
        {
            rounder.Round(x.Row(t), z);
            for (int j = 0; j < z.Length; j++) (wide[t, j], rounded[t, j]) = (x[t, j], z[j]);
        }
        var statistics = new RoundedStatistics(rounder, LinearAlgebra.TransposeMultiply(rounded, rounded), LinearAlgebra.TransposeMultiply(wide, rounded));
        foreach (ref double v in statistics.Gram.Data) v /= x.Rows;
        foreach (ref double v in statistics.Cross.Data) v /= x.Rows;
        return statistics;
    }

    /// <summary>A layer whose inputs are correlated, of uneven size, and of full rank.</summary>
    /// <param name="dead">So many columns whose input is always zero.</param>
    /// <param name="outlier">How much larger than the rest column 3 of the input is.</param>
    public static LayerProblem Problem(int rows, int columns, int dead = 0, float outlier = 1)
    {
        int tokens = 6 * columns;
        var x = LinearAlgebra.Multiply(Matrix(tokens, columns / 4, 2), Matrix(columns / 4, columns, 3));
        var noise = Matrix(tokens, columns, 4);
        for (int t = 0; t < tokens; t++)
            for (int j = 0; j < columns; j++)
                x[t, j] = j < dead ? 0 : (x[t, j] + noise[t, j]) * (j == 3 ? outlier : 1 + j % 5);

        var exact = new Matrix<double>(tokens, columns, [.. x.Data.ToArray().Select(v => (double)v)]);
        var h = LinearAlgebra.TransposeMultiply(exact, exact);
        foreach (ref double v in h.Data) v /= tokens;
        return new("sample", Matrix(rows, columns, 5), new(tokens, h) { Rounded = Rounded(x, InputRounder.Dynamic(new(4))) }, Seed: 7);
    }
}
