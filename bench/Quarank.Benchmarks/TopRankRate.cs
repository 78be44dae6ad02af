using System.Diagnostics;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>
/// Top factors of synthetic weights, exact and by iteration: seconds, and the squared error above the least. A = diag(lognormal 0.3) · Gaussian ·
/// diag(λ_j^½), λ_j = ((j + 8) / 8)^−a with four outlier columns; kinds 1, 2, 3 are a = 0.5, 1, 1.5.
/// </summary>
internal static class TopRankRate
{
    public static void Run(int rows, int columns, int rank)
    {
        var warm = Kind(300, 300, 1);
        TopRank.Factor(warm, 30);
        TopRank.Factor(warm, 30, exactOrder: 0);
        Console.WriteLine($"top {rank} of {rows} x {columns}, {Threads.Count} threads");
        Console.WriteLine($"{"kind",-6}{"exact s",9}{"iterated s",12}{"passes",8}{"captured",11}{"error above the least",23}");
        for (int kind = 1; kind <= 3; kind++)
        {
            var a = Kind(rows, columns, kind);
            var (exact, exactSeconds) = Timed(() => TopRank.Factor(a, rank, exactOrder: int.MaxValue));
            var (iterated, seconds) = Timed(() => TopRank.Factor(a, rank, exactOrder: 0));
            Console.WriteLine(FormattableString.Invariant(
                $"{kind,-6}{exactSeconds,9:0.00}{seconds,12:0.00}{iterated.Passes,8}{exact.Captured / exact.Energy,11:0.00000}{(exact.Captured - iterated.Captured) / (exact.Energy - exact.Captured),22:0.000%}"));
        }
    }

    private static (TopRankFactors, double) Timed(Func<TopRankFactors> work)
    {
        GC.Collect();
        long began = Stopwatch.GetTimestamp();
        var factors = work();
        return (factors, Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    private static Matrix<double> Kind(int rows, int columns, int kind)
    {
        var a = new Matrix<double>(rows, columns);
        Threads.For(rows, i =>
        {
            var random = new Random(1000 * kind + i);
            double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            double row = Math.Exp(0.3 * Normal());
            for (int j = 0; j < columns; j++) a[i, j] = row * Normal() * Math.Pow((j + 8) / 8.0, -0.25 * kind) * (j % (columns / 4) == 5 ? 10 : 1);
        });
        return a;
    }
}
