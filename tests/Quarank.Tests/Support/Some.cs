using Quarank.Numerics;

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
}
