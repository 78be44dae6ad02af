using System.Diagnostics;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Studies.Speed;

/// <summary>Where the time of one generated token goes, in seconds; the parts are timed alone on the same matrices, in the same order, by turns with the whole.</summary>
/// <param name="Token">All of it, in a short context.</param>
/// <param name="Products">The blocks' linear layers.</param>
/// <param name="Attention">Rotation, scores, soft-max and values over the keys so far.</param>
/// <param name="Head">The head's product.</param>
/// <param name="Sampling">Taking the likeliest token.</param>
/// <param name="Forks">Of the products: what it takes to call the pool and come back with nothing done, once a layer.</param>
public sealed record TokenTimes(double Token, double Products, double Attention, double Head, double Sampling, double Forks)
{
    /// <summary>Norms, activations, additions, the embedding and everything else.</summary>
    public double Rest => Token - Products - Attention - Head - Sampling;

    /// <summary>What is not spent in the kernels of products and attention.</summary>
    public double ShareOutsideKernels => (Rest + Sampling) / Token;

    /// <summary>Medians of so many rounds of <paramref name="tokens"/> tokens each.</summary>
    public static TokenTimes Measure(Model model, int rounds, int tokens, CancellationToken cancel = default)
    {
        List<Projection> layers = [.. model.Blocks.SelectMany(b => b.Projections).Where(p => SpeedModel.IsPassed(p.Spec, model.Spec))];
        var inputs = layers.Select(p => p.Weight.Columns).Append(model.Head.Table.Columns).Distinct().ToDictionary(n => n, Some);
        var outputs = layers.Select(p => p.Weight.Rows).Append(model.Head.Table.Rows).Distinct().ToDictionary(n => n, n => new float[n]);
        float[] logits = outputs[model.Head.Table.Rows], normed = inputs[model.Head.Table.Columns];
        var sampler = new Sampler();
        var times = new List<double>[6];
        for (int i = 0; i < times.Length; i++) times[i] = [];

        for (int round = -1; round < rounds; round++)
        {
            cancel.ThrowIfCancellationRequested();
            double[] took =
            [
                Seconds(tokens, () => SpeedRounds.Generate(model, tokens), once: true),
                Seconds(tokens, () =>
                {
                    foreach (var p in layers) p.Apply(inputs[p.Weight.Columns], outputs[p.Weight.Rows], model.Settings.Inputs);
                }),
                AttentionSeconds(model, tokens),
                Seconds(tokens, () => model.Head.Logits(normed, logits, model.Settings.Inputs)),
                Seconds(tokens, () => sampler.Next(logits)),
                Seconds(tokens, () =>
                {
                    for (int i = 0; i < layers.Count; i++) Threads.For(Threads.Count, 0, static (_, _) => { });
                }),
            ];
            if (round < 0) continue;   // warms up
            for (int i = 0; i < times.Length; i++) times[i].Add(took[i]);
        }
        double[] medians = [.. times.Select(Median)];
        return new(medians[0], medians[1], medians[2], medians[3], medians[4], medians[5]);
    }

    private static double AttentionSeconds(Model model, int tokens)
    {
        var attention = new AttentionAlone(model.Spec, model.Spec.BlockCount, 1, model.Settings.Cache);
        int position = 0;
        return Seconds(tokens, () => attention.Run(position++));
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[values.Count / 2 - 1] + values[values.Count / 2]) / 2;
    }

    private static double Seconds(int tokens, Action action, bool once = false)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < (once ? 1 : tokens); i++) action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / tokens;
    }

    private static float[] Some(int count)
    {
        var random = new Random(1);
        var values = new float[count];
        foreach (ref float v in values.AsSpan()) v = random.NextSingle() - 0.5f;
        return values;
    }
}
