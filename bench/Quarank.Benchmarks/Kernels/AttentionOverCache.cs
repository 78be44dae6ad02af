using BenchmarkDotNet.Attributes;
using Quarank.Models;
using Quarank.Numerics.Kernels;
using Quarank.Studies.Speed;

namespace Quarank.Benchmarks.Kernels;

/// <summary>The attention of one token in 22 blocks of 32 heads, 4 of keys and values, after a text of some length.</summary>
public class AttentionOverCache
{
    private static readonly ModelSpec Spec = ModelSpec.Read(new SyntheticShape().Config(tiedHead: false));
    private AttentionAlone? _attention;

    [Params(32, 512, 2048)]
    public int Context { get; set; }

    [Params(CacheNumbers.F32, CacheNumbers.F16, CacheNumbers.Q8)]
    public CacheNumbers Cache { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _attention = new AttentionAlone(Spec, Spec.BlockCount, 1, Cache);
        for (int position = 0; position < Context; position++) _attention.Run(position);
    }

    [Benchmark]
    public void OneToken() => _attention!.Run(Context - 1);
}
