using BenchmarkDotNet.Attributes;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Benchmarks.Kernels;

/// <summary>What a token passes through between the products, on the sizes of a model of 1.1 billion parameters.</summary>
public class SmallKernels
{
    private const int Hidden = 2048, Intermediate = 5632;
    private readonly Matrix<float> _hidden = new(1, Hidden), _normed = new(1, Hidden), _up = new(1, Intermediate);
    private readonly Matrix<float> _gate = new(1, Intermediate);   // stays zero: it is overwritten by what is made of it
    private readonly RmsNorm _norm = new([.. Enumerable.Repeat(1f, Hidden)], 1e-5f);
    private readonly float[] _scores = new float[512], _logits = new float[32_000];
    private readonly Sampler _sampler = new();

    [GlobalSetup]
    public void Setup()
    {
        SomeLayers.Fill(_hidden.Data);
        SomeLayers.Fill(_up.Data);
        SomeLayers.Fill(_scores);
        SomeLayers.Fill(_logits);
    }

    [Benchmark]
    public void RmsNorm2048() => _norm.Apply(_hidden, _normed);

    [Benchmark]
    public void SiluTimesUp5632() => ActivationKernels.SiluMultiply(_gate.Data, _up.Data, _gate.Data);

    [Benchmark]
    public float Exponentials512() => ActivationKernels.Exponentiate(_scores, 0.125f);

    [Benchmark]
    public int LikeliestOf32000() => _sampler.Next(_logits);
}
