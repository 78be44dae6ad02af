using BenchmarkDotNet.Attributes;
using Quarank.Layers;
using Quarank.Studies.Speed;

namespace Quarank.Benchmarks.Kernels;

/// <summary>One token times a matrix of 4096 x 4096 that comes from memory, in each stored form, beside the read bandwidth.</summary>
public class OneTokenProducts
{
    private const int Size = 4096;
    private const long Streamed = 192L << 20;   // copies enough that none stays in a cache
    private static readonly ReadLimit Memory = new();
    private readonly float[] _x = new float[Size], _y = new float[Size];
    private Linear[] _copies = [];
    private int _next;

    [Params("grid:2:row", "grid:2:128", "grid:3:128", "grid:4:row", "grid:4:128", "grid:4:128:symmetric", "grid:4:32", "grid:8:128",
        "codebook:4:128", "lordq:2", "grid:2:row+lordq:0.5", "f16", "bf16")]
    public string Form { get; set; } = "";

    [Params(InputNumbers.Bytes, InputNumbers.Floats)]
    public InputNumbers Input { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var one = SomeLayers.Load(Form, Size, Size, 0);
        _copies = [one, .. Enumerable.Range(1, (int)(Streamed * 8 / one.Bits)).Select(i => SomeLayers.Load(Form, Size, Size, i))];
        SomeLayers.Fill(_x);
        Look();
    }

    [GlobalCleanup]
    public void Look() => Limit.Note($"{nameof(OneTokenProducts)} {Form} {Input}", new("GB/s", _copies[0].Bits / 8.0, Memory.Measure(0.5)));

    [Benchmark]
    public void Apply()
    {
        _copies[_next].Apply(_x, _y, Input);
        _next = (_next + 1) % _copies.Length;
    }
}
