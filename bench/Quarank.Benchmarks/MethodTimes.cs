using System.Diagnostics;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>Seconds that each method takes for the seven projections of one SmolLM2 block (random weights), beside one sgemm of the same size.</summary>
internal static class MethodTimes
{
    private static readonly (int Rows, int Columns)[] Block = [(576, 576), (192, 576), (192, 576), (576, 576), (1536, 576), (1536, 576), (576, 1536)];

    public static void Run()
    {
        var problems = Block.Select(s => Problem(s.Rows, s.Columns)).ToArray();
        var shapes = Block.Select((s, i) => new LayerShape($"{i}", s.Rows, s.Columns)).ToArray();
        Method[] methods =
        [
            new RoundToNearest(new(3)), new RoundToNearest(new(3), GridRange.Clip), new Gptq(new(3)), new Gptq(new(3), GridRange.Clip), new Gptq(new(3, 64), GridRange.Clip),
            new Lordq(2), new Lordq(3), new Lordq(2, Blocks: 4),
        ];
        Console.WriteLine($"{"method",-70} {"seconds a block",16} {"loss",8} {"measuring it",13}");
        foreach (var method in methods)
        {
            var fitted = method.Fit(shapes);
            Compress(fitted, problems);
            var clock = Stopwatch.StartNew();
            var layers = Compress(fitted, problems);
            double seconds = clock.Elapsed.TotalSeconds;
            clock.Restart();
            double loss = problems.Zip(layers).Average(p => ProxyLoss.Relative(p.First, p.Second));
            Console.WriteLine(FormattableString.Invariant($"{Name(method),-70} {seconds,16:0.000} {loss,8:0.0000} {clock.Elapsed.TotalSeconds,13:0.000}"));
        }
    }

    private static Quarank.Layers.Linear[] Compress(Method method, LayerProblem[] problems)
    {
        var layers = new Quarank.Layers.Linear[problems.Length];
        Threads.For(problems.Length, i => layers[i] = method.Compress(problems[i]));
        return layers;
    }

    private static string Name(Method method) => method switch
    {
        RoundToNearest r => $"rtn {r.Grid.Bits} bits, group {r.Grid.GroupSize}, {r.Range}",
        Gptq g => $"gptq {g.Grid.Bits} bits, group {g.Grid.GroupSize}, {g.Range}",
        Lordq l => $"lordq {l.BitsPerWeight} bits per weight, K = {l.Blocks}",
        _ => method.ToString(),
    };

    private static LayerProblem Problem(int rows, int columns)
    {
        var random = new Random(rows + columns);
        var x = new Matrix<double>(2 * columns, columns);
        for (int i = 0; i < x.Rows; i++)
            for (int j = 0; j < columns; j++) x[i, j] = (random.NextDouble() - 0.5) * (1 + 20.0 / (1 + j)) + (j > 0 ? 0.5 * x[i, j - 1] : 0);
        var w = new Matrix<float>(rows, columns);
        foreach (ref float v in w.Data) v = random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f;
        return new("sample", w, new(x.Rows, LinearAlgebra.SyrkTransposed(x)));
    }
}
