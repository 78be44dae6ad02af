using System.Diagnostics;
using Quarank.Models;

namespace Quarank.Studies.Speed;

/// <summary>Times the tests of some models by turns, each between two looks at its limit.</summary>
internal sealed class SpeedRounds
{
    private const double LookSeconds = 0.1;
    private readonly SpeedRequest _request;
    private readonly Dictionary<(SpeedModel, SpeedTest), List<SpeedSample>> _samples = [];
    private readonly Dictionary<(Model, int), SgemmRate> _sgemm = [];
    private readonly ReadLimit _memory;

    public SpeedRounds(SpeedRequest request, ReadLimit memory) => (_request, _memory) = (request, memory);

    /// <summary>One test of one model.</summary>
    public void Time(SpeedModel counted, Model model, SpeedTest test)
    {
        double before = Limit(model, test);
        long start = Stopwatch.GetTimestamp();
        if (test.Generates) Generate(model, test.Tokens);
        else Read(model, test.Tokens);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (!_samples.TryGetValue((counted, test), out var samples)) _samples.Add((counted, test), samples = []);
        samples.Add(new(seconds, (before + Limit(model, test)) / 2));
    }

    public IReadOnlyList<SpeedFigure> Figures(SpeedModel counted) =>
        [.. _request.Tests.Select(t => new SpeedFigure(t, _samples[(counted, t)], t.Generates ? counted.BytesPerToken : counted.OperationsPerToken))];

    /// <summary>Bytes per second of memory for generation, operations per second of sgemm for prompts.</summary>
    public double Limit(Model model, SpeedTest test) => test.Generates ? _memory.Measure(LookSeconds) : Sgemm(model, test.Tokens).Measure(LookSeconds);

    /// <summary>Reads a prompt of so many tokens at once.</summary>
    public static void Read(Model model, int tokens)
    {
        int[] ids = [.. Enumerable.Range(1, tokens).Select(i => (int)(i * 7919L % model.Spec.VocabularySize))];
        model.NewSession().Append(ids);
    }

    /// <summary>Generates so many tokens from an empty cache, always the likeliest.</summary>
    public static void Generate(Model model, int tokens)
    {
        var session = model.NewSession();
        var sampler = new Sampler();
        int next = model.Spec.BeginningOfText ?? 0;
        for (int i = 0; i < tokens; i++) next = sampler.Next(session.Step(next));
    }

    private SgemmRate Sgemm(Model model, int tokens)
    {
        if (!_sgemm.TryGetValue((model, tokens), out var rate))
        {
            _sgemm.Add((model, tokens), rate = new SgemmRate([.. model.Spec.Projections(0).Where(p => SpeedModel.IsPassed(p, model.Spec))], tokens));
            rate.Measure(0);   // touches the memory
        }
        return rate;
    }
}
