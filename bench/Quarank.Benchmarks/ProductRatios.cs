using System.Diagnostics;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>
/// Our tiled products against the library's own threads, side by side in one run, because the machine's speed drifts more between
/// runs than the two differ. It is the ratio that counts, not the time.
/// </summary>
internal static class ProductRatios
{
    private const int Repeats = 15;

    public static void Run()
    {
        Console.WriteLine($"{BlasLibrary.Describe()}, {Threads.Count} threads; median of {Repeats}");
        Console.WriteLine($"{"a·bᵀ, tokens x in -> out",-32}{"BLAS threads",14}{"our tiles",12}{"ratio",8}");
        foreach (var (tokens, inputs, outputs) in new[]
                 {
                     (2048, 576, 576), (2048, 1536, 576), (2048, 576, 1536), (2048, 2048, 2048), (1024, 4096, 4096),
                     (128, 576, 1536), (128, 2048, 5632), (128, 4096, 4096), (16, 2048, 2048),
                 })
            Product(tokens, inputs, outputs);
        Console.WriteLine($"{"Gram, tokens x columns",-32}{"sgemm",14}{"AddGram",12}{"ratio",8}   (AddGram computes half: n²·tokens)");
        foreach (var (tokens, columns) in new[] { (2048, 576), (2048, 1536), (2048, 2048), (2048, 5632) }) Gram(tokens, columns);
    }

    private static void Product(int tokens, int inputs, int outputs)
    {
        var (x, w, y) = (Some(tokens, inputs), Some(outputs, inputs), new Matrix<float>(tokens, outputs));
        Report($"{tokens} x {inputs} -> {outputs}", 2.0 * tokens * inputs * outputs, 2.0 * tokens * inputs * outputs,
            () => OwnThreads(OpenBlas.NoTranspose, OpenBlas.Transpose, x, w, y, inputs),
            () => LinearAlgebra.MultiplyTransposed(x, w, y));
    }

    private static void Gram(int tokens, int columns)
    {
        var (x, full, sum) = (Some(tokens, columns), new Matrix<float>(columns, columns), new Matrix<double>(columns, columns));
        Report($"{tokens} x {columns}", 2.0 * tokens * columns * columns, 1.0 * tokens * columns * columns,
            () => OwnThreads(OpenBlas.Transpose, OpenBlas.NoTranspose, x, x, full, tokens), () => LinearAlgebra.AddGram(x, sum));
    }

    private static void OwnThreads(int transA, int transB, Matrix<float> a, Matrix<float> b, Matrix<float> c, int k) =>
        OpenBlas.Sgemm(OpenBlas.RowMajor, transA, transB, c.Rows, c.Columns, k, 1, a.Data, a.Columns, b.Data, b.Columns, 0,
            c.Data, c.Columns);

    private static void Report(string what, double flopsTheirs, double flopsOurs, Action theirs, Action ours)
    {
        var (their, our) = (new double[Repeats], new double[Repeats]);
        for (int i = -2; i < Repeats; i++)
        {
            BlasLibrary.SetThreads(Threads.Count);
            double a = Seconds(theirs);
            BlasLibrary.SetThreads(1);
            Thread.Sleep(5); // the library's threads spin on for a while
            double b = Seconds(ours);
            if (i >= 0) (their[i], our[i]) = (a, b);
        }
        Array.Sort(their);
        Array.Sort(our);
        var (t, o) = (flopsTheirs / their[Repeats / 2] / 1e9, flopsOurs / our[Repeats / 2] / 1e9);
        Console.WriteLine($"{what,-32}{t,9:F1} GF/s{o,7:F1} GF/s{o / t,8:F2}");
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static Matrix<float> Some(int rows, int columns)
    {
        var random = new Random(1);
        var m = new Matrix<float>(rows, columns);
        foreach (ref float v in m.Data) v = random.NextSingle() - 0.5f;
        return m;
    }
}
