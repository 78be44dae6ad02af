namespace Quarank.Numerics;

/// <summary>Matrices drawn from a seed, the same on every machine.</summary>
public static class RandomMatrix
{
    /// <summary>Independent normal entries of variance 1 (Box and Muller).</summary>
    public static Matrix<double> Gaussian(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        var m = new Matrix<double>(rows, columns);
        foreach (ref double v in m.Data) v = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return m;
    }
}
