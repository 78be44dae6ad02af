using BenchmarkDotNet.Attributes;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Studies.Speed;

namespace Quarank.Benchmarks.Kernels;

/// <summary>128 tokens times a matrix of 2048 x 2048 in each stored form, beside sgemm on the same product.</summary>
public class PromptProducts
{
    private const int Size = 2048, Tokens = 128;
    private static readonly SgemmRate Sgemm = new([new ProjectionSpec("", InputSite.Attention, Size, Size, false)], Tokens);
    private readonly Matrix<float> _x = new(Tokens, Size), _y = new(Tokens, Size);
    private Linear? _layer;

    [Params("grid:2:128", "grid:4:128", "grid:8:128", "codebook:4:128", "lordq:2", "f16", "f32")]
    public string Form { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _layer = SomeLayers.Load(Form, Size, Size, 0);
        SomeLayers.Fill(_x.Data);
        Look();
    }

    [GlobalCleanup]
    public void Look() => Limit.Note($"{nameof(PromptProducts)} {Form}", new("GFLOP/s", 2.0 * Tokens * Size * Size, Sgemm.Measure(0.5)));

    [Benchmark]
    public void Apply() => _layer!.Apply(_x, _y, InputNumbers.Bytes);
}
