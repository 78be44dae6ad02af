using System.Diagnostics;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>
/// GPTQ of an n × n matrix beside its bound: what sgemm alone takes for the operations of its Cholesky factor (n³/3) and of its feedback
/// (n³), and, as the paper counts, of an inverse (n³/3) too. By turns in one run, the best of a few rounds each.
/// </summary>
internal static class GptqRate
{
    public static void Run(int n, int rounds)
    {
        var problem = Problem(n, n);
        Gptq[] methods = [new(new(4)), new(new(4, 128)), new(new(3), GridRange.Clip)];
        var (a, b, c) = (Random(n, n, 1), Random(n, n, 2), new Matrix<float>(n, n));
        var dead = new bool[n];
        double sgemm = double.PositiveInfinity, factor = sgemm, loss = 0;
        double[] best = [.. methods.Select(_ => sgemm)];
        for (int round = 0; round < rounds; round++)
        {
            sgemm = Math.Min(sgemm, Seconds(() => LinearAlgebra.Multiply(a, b, c)));
            factor = Math.Min(factor, Seconds(() => DampedGram.Factor(problem, 0.01, dead, h => FeedbackFactor.Of(h))));
            for (int i = 0; i < methods.Length; i++)
            {
                Linear? layer = null;
                best[i] = Math.Min(best[i], Seconds(() => layer = methods[i].Compress(problem)));
                if (round == 0 && i == 0) loss = ProxyLoss.Relative(problem, layer!);
            }
        }
        double rate = 2.0 * n * n * n / sgemm, own = 4.0 / 3 * n * n * n / rate, paper = 5.0 / 3 * n * n * n / rate;
        Console.WriteLine(FormattableString.Invariant($"GPTQ of {n} x {n}, {Threads.Count} threads; sgemm {rate / 1e9:0} GFLOP/s; the factor alone {factor:0.000} s; loss at 4 bits {loss:0.000000}"));
        Console.WriteLine(FormattableString.Invariant($"bound: {own:0.000} s (Cholesky and feedback), {paper:0.000} s (with the paper's inverse)"));
        string[] names = ["4 bits, rows", "4 bits, groups of 128", "3 bits, rows, clipped"];
        for (int i = 0; i < names.Length; i++)
            Console.WriteLine(FormattableString.Invariant($"{names[i],-24} {best[i],7:0.000} s   {best[i] / own:0.00} x the bound, {best[i] / paper:0.00} x with the inverse"));
    }

    private static double Seconds(Action action)
    {
        long began = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>Inputs with a few strong columns, each beside its neighbours.</summary>
    internal static LayerProblem Problem(int rows, int columns)
    {
        var x = Random(columns + columns / 4, columns, 3);
        for (int i = 0; i < x.Rows; i++)
        {
            var row = x.Row(i);
            for (int j = 1; j < columns; j++) row[j] += 0.5f * row[j - 1];
            for (int j = 0; j < columns; j++) row[j] *= 1 + 20f / (1 + j);
        }
        var gram = new Matrix<double>(columns, columns);
        LinearAlgebra.AddGram(x, gram);
        LinearAlgebra.Symmetrize(gram);
        return new("sample", Random(rows, columns, 4), new(x.Rows, gram));
    }

    internal static Matrix<float> Random(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        var m = new Matrix<float>(rows, columns);
        foreach (ref float v in m.Data) v = random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f;
        return m;
    }
}
