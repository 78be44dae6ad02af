namespace Quarank.Numerics.Lattice;

/// <summary>What kernels look codes up in.</summary>
internal static class E8Tables
{
    private const int Dimension = E8Patterns.Dimension;

    /// <summary>A byte a coordinate of each pattern, eight a pattern (2 KiB): 7/2 + a, or 7/2 − a for the last coordinate of one with an odd sum.</summary>
    /// <remarks>A negative sign turns n to n ^ 7 = 7 − n, so that n − 7/2 is ± a either way and no byte is ever negative.</remarks>
    public static byte[] Bytes { get; } = [.. Floats(a => a + 3.5f).Select(v => (byte)v)];

    /// <summary>a as floats, the last coordinate negative where the sum is odd (8 KiB).</summary>
    public static float[] Values { get; } = [.. Floats(a => a)];

    /// <summary>The second book's points, twice the coordinate and 4 more: 0 … 8.</summary>
    public static byte[] ShellBytes { get; } = [.. Shell(v => 2 * v + 4).Select(v => (byte)v)];

    /// <summary>The second book's points as floats.</summary>
    public static float[] ShellValues { get; } = [.. Shell(v => v)];

    /// <summary>The bit of a code's low byte that says the sign of each coordinate.</summary>
    public static ReadOnlySpan<byte> SignBits => [1, 16, 2, 32, 4, 64, 8, 128];

    private static IEnumerable<float> Floats(Func<float, float> map)
    {
        for (int p = 0; p < E8Patterns.Count; p++)
            for (int i = 0; i < Dimension; i++)
                yield return map(E8Patterns.Doubled[p * Dimension + i] * (i == Dimension - 1 && E8Patterns.IsOdd(p) ? -0.5f : 0.5f));
    }

    private static IEnumerable<float> Shell(Func<float, float> map)
    {
        var point = new float[Dimension];
        for (int c = 0; c < 256; c++)
        {
            E8Shell.Decode((byte)c, point);
            foreach (float v in point) yield return map(v);
        }
    }
}
