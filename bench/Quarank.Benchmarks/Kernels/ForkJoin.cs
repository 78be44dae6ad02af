using BenchmarkDotNet.Attributes;
using Quarank.Numerics;

namespace Quarank.Benchmarks.Kernels;

/// <summary>What it takes to hand pieces with nothing to do to the pool and come back: the floor of every small product.</summary>
public class ForkJoin
{
    [Params(1, 2, 16)]
    public int Pieces { get; set; }

    [Benchmark]
    public void Empty() => Threads.For(Pieces, 0, static (_, _) => { });
}
