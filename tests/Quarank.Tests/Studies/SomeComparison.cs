using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Pipeline;
using Quarank.Studies;

namespace Quarank.Tests.Studies;

/// <summary>A comparison as a small model gives it: 210 layers, seven recipes at three sizes on two texts and a task, one unreachable, one failed, one waiting, one broken.</summary>
internal static class SomeComparison
{
    private static readonly (string Kind, int Rows, int Columns)[] Kinds =
    [
        ("q_proj", 576, 576), ("k_proj", 192, 576), ("v_proj", 192, 576), ("o_proj", 576, 576), ("gate_proj", 1536, 576),
        ("up_proj", 1536, 576), ("down_proj", 576, 1536),
    ];

    private static readonly (string Name, string Method, double Damage, double Error, bool LowRank)[] Recipes =
    [
        ("lordq-printed", "lordq, K = 2, P 4 bits, Q 4 bits, compensation", 1.0, 1.0, true),
        ("lordq-refit", "lordq, K = 2, P 4 bits, Q 4 bits, refit", 0.93, 0.95, true),
        ("lordq-best", "lordq of the rest, beside a 2-bit grid", 0.7, 0.5, true),
        ("gptq-row", "gptq, rows, min–max", 1.6, 0.6, false),
        ("gptq-g128-clip", "gptq, groups of 128, clip", 0.95, 0.4, false),
        ("rtn <rows & \"columns\">", "rtn, rows, min–max", 1.8, 1.4, false),
        ("mixed", "a method per layer by measured loss", 0.62, 0.42, true),
    ];

    public static Comparison Create(int blocks = 30, bool spectra = true)
    {
        var rows = new List<ComparisonRow>();
        foreach (double bits in new[] { 2.0, 3, 4 })
        {
            for (int i = 0; i < Recipes.Length; i++) rows.Add(Row(i, bits, blocks));
        }
        return new(
            "quarank 0.2.0+0123abc", "OpenBLAS 0.3.29 (Haswell)",
            new("SmolLM2-135M-Instruct", "ab12", 269_060_552, 56_722_176, 106_168_320, 7 * blocks, 16, 75.8),
            [Text("wiki.test.raw", 19.2316), Text("C4", 31.4)], [new("piqa", "acc", 200, 0, 0.65, 0.034), new("piqa", "acc_norm", 200, 0, 0.66, 0.033)],
            new(["wiki.train.excerpt.jsonl"], 48, 2048, Sampling.Concatenate, 0, 98304, "ef56"),
            "resident size of the process, highest while compressing", rows)
        {
            Spectra = spectra ? [.. from block in Enumerable.Range(0, blocks) from kind in Kinds select Spectrum(kind, block)] : null,
        };
    }

    private static ComparisonRow Row(int recipe, double bits, int blocks)
    {
        var (name, method, damage, error, lowRank) = Recipes[recipe];
        var full = new Recipe(
            lowRank ? new Lordq(bits) : new Gptq(new GridFormat((int)bits)), new CalibrationSettings(["wiki.train.excerpt.jsonl"]))
        {
            Propagate = Propagation.Original,
        };
        long target = (long)(56_722_176 + 106_168_320 * bits / 8);
        if (recipe == 4 && bits == 2)
            return new(name, method, bits, target, RowState.Unreachable, "no grid of whole bits in groups of 128 fits 2 bits per weight", null, full);
        if (recipe == 6 && bits == 2) return new(name, method, bits, target, RowState.Failed, "model.layers.3.mlp.down_proj: the method failed 4 times", null, full);
        if (recipe == 6 && bits == 4) return new(name, method, bits, target, RowState.Waiting, "not among the pieces that were asked for", null, full);

        var layers = (from block in Enumerable.Range(0, blocks)
                      from kind in Enumerable.Range(0, Kinds.Length)
                      select Layer(recipe, bits, kind, block, error, lowRank)).ToList();
        double loss = damage * Math.Pow(4.5 - bits, 2.1) * 0.75;
        bool broken = recipe == 5 && bits == 2;
        double perplexity = broken ? double.PositiveInfinity : 19.2316 * Math.Exp(loss), miss = recipe == 3 ? 1.31 : 0.02 * recipe - 0.04;
        return new(name, method, bits, target, RowState.Measured, null, new(
            (long)(target * (1 + miss / 100)), miss, bits * 1.004, [Measured(1), Measured(1.6)],
            [new("piqa", "acc", 0.65 - 0.05 * loss, 0.034, -0.05 * loss, 0.02, 30), new("piqa", "acc_norm", 0.66 - 0.05 * loss, 0.033, -0.05 * loss, 0.02, 30)],
            layers.Average(l => l.RelativeError), layers.Max(l => l.RelativeError), layers.MaxBy(l => l.RelativeError)!.Name, 12.3 + recipe, 60 + recipe,
            140 + recipe, recipe == 2 ? null : 912_345_678, layers), full);

        TextMeasures Measured(double harder) => new(perplexity * harder, perplexity * harder * 0.02, loss, 0.004 + 0.02 * loss,
            broken ? double.NaN : loss * 0.9 + 0.01, 0.01 * loss, loss * 4, Math.Exp(-loss * 0.7), 41.2);
    }

    private static ReferenceText Text(string name, double perplexity) =>
        new(name, "cd34", "windows of 2,048 tokens, nothing carried over", 2048, 8, 16376, perplexity, 0.02 * perplexity, Math.Log(perplexity));

    private static LayerMeasure Layer(int recipe, double bits, int kind, int block, double error, bool lowRank)
    {
        double wave = 0.5 + 0.5 * Math.Sin(block * 0.7 + kind), noise = Math.Sin(block * 12.9898 + kind * 78.233 + recipe * 37.719);
        double value = error * Math.Pow(2, 2 - bits) * 0.13 * (0.4 + wave) * Math.Exp(0.35 * noise) / (1 + kind % 3);
        double sink = kind == 6 ? block switch { 11 => 579, 28 => 49, 2 => 27, 9 => 14, 29 => 8, _ => 2.5 + wave } : 1.4 + wave;
        var (name, rows, columns) = Kinds[kind];
        int rank = (int)(Math.Min(rows, columns) * bits / 8 * (recipe == 6 ? 0.6 + 0.8 * wave : 1));
        return new($"model.layers.{block}.{name}", name, block, rows, columns, lowRank ? $"product, rank {rank}" : "grid", lowRank ? rank : null,
            bits * (recipe == 6 ? 0.7 + 0.6 * wave : 1), value, sink, 0.06)
        { PlainRounding = recipe == 5 && kind == 6 ? value * 0.9 : null };
    }

    private static LayerSpectrum Spectrum((string Kind, int Rows, int Columns) kind, int block)
    {
        int count = Math.Min(kind.Rows, kind.Columns);
        double[] Decay(double power) => Shares([.. Enumerable.Range(1, count).Select(i => Math.Pow(i, -power) * (1 - (i - 1.0) / count + 1e-4))]);
        return new($"model.layers.{block}.{kind.Kind}", kind.Kind, block, kind.Rows, kind.Columns, Decay(1.5 + 0.01 * block), Decay(0.5 + 0.005 * block));
    }

    private static double[] Shares(double[] values) => [.. values.Select(v => v / values.Sum())];
}
