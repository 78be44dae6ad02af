using System.Diagnostics;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Studies.Speed;

/// <summary>How fast sgemm alone computes a model's linear products for so many tokens right now: the limit of reading a prompt.</summary>
internal sealed class SgemmRate
{
    private readonly List<(Matrix<float> X, Matrix<float> W, Matrix<float> Y)> _products = [];
    private readonly double _operations;

    /// <param name="places">The linear layers of a block; equal shapes share their numbers.</param>
    public SgemmRate(IReadOnlyList<ProjectionSpec> places, int tokens)
    {
        var shapes = new Dictionary<(int Rows, int Columns), (Matrix<float> X, Matrix<float> W, Matrix<float> Y)>();
        foreach (var p in places)
        {
            if (!shapes.TryGetValue((p.Rows, p.Columns), out var product))
                shapes.Add((p.Rows, p.Columns), product = (Some(tokens, p.Columns), Some(p.Rows, p.Columns), new Matrix<float>(tokens, p.Rows)));
            _products.Add(product);
            _operations += 2.0 * tokens * p.Rows * p.Columns;
        }
    }

    /// <summary>Operations (multiplications and additions) per second, over whole blocks for at least so many seconds.</summary>
    public double Measure(double seconds)
    {
        long start = Stopwatch.GetTimestamp(), blocks = 0;
        do
        {
            foreach (var (x, w, y) in _products) LinearAlgebra.MultiplyTransposed(x, w, y);
            blocks++;
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);
        return blocks * _operations / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static Matrix<float> Some(int rows, int columns)
    {
        var random = new Random(1);
        var m = new Matrix<float>(rows, columns);
        foreach (ref float v in m.Data) v = random.NextSingle() - 0.5f;
        return m;
    }
}
