using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>What calibration saw at one input site of a block.</summary>
/// <param name="Sink">Largest norm of a token's input, divided by the median norm.</param>
internal sealed record SiteStatistics(InputStatistics Inputs, double Sink);

/// <summary>
/// Sums x xᵀ at the input sites of one block: float products within a sequence, double sums over sequences, in the order of the
/// sequences.
/// </summary>
/// <param name="sites">The sites to gather; the others are none of its business.</param>
internal sealed class StatisticsCollector(int block, IReadOnlyCollection<InputSite> sites)
{
    private readonly Dictionary<InputSite, Sums> _sums = [];

    private sealed class Sums(int columns)
    {
        public Matrix<double> Gram { get; } = new(columns, columns);
        public List<float> Norms { get; } = [];
    }

    /// <summary>Whether this site is gathered.</summary>
    public bool Wants(InputSite site) => sites.Contains(site);

    /// <summary>Takes what a site's layers read in one sequence (tokens × columns); sequences come in their order.</summary>
    /// <exception cref="InvalidDataException">An activation is not finite.</exception>
    public void Add(int sequence, InputSite site, Matrix<float> inputs)
    {
        if (!_sums.TryGetValue(site, out var sums)) _sums[site] = sums = new(inputs.Columns);
        int first = sums.Norms.Count;
        sums.Norms.AddRange(Norms(inputs));
        int bad = sums.Norms.FindIndex(first, n => !float.IsFinite(n));
        if (bad >= 0)
            throw new InvalidDataException($"Block {block}: an input of {Name(site)} is not finite "
                + $"(sequence {sequence}, token {bad - first}); "
                + "the model, or what an earlier block was compressed to, overflows on the calibration text.");
        LinearAlgebra.AddGram(inputs, sums.Gram);
    }

    /// <summary>Divides by the number of tokens and fills the upper triangles; the collector is spent afterwards.</summary>
    public Dictionary<InputSite, SiteStatistics> Finish() => _sums.ToDictionary(s => s.Key, s =>
    {
        var (gram, norms) = (s.Value.Gram, s.Value.Norms);
        LinearAlgebra.Symmetrize(gram);
        double tokens = norms.Count;
        Threads.For(gram.Rows, i => TensorPrimitives.Divide(gram.Row(i), tokens, gram.Row(i)));
        norms.Sort();
        float median = norms[norms.Count / 2];
        return new SiteStatistics(new InputStatistics(norms.Count, gram), median > 0 ? norms[^1] / median : 1);
    });

    public static string Name(InputSite site) => site switch
    {
        InputSite.Attention => "queries, keys and values",
        InputSite.AttentionOutput => "the attention's output projection",
        InputSite.Mlp => "gate and up",
        InputSite.MlpOutput => "down",
        _ => throw new ArgumentOutOfRangeException(nameof(site), site, "no such site"),
    };

    private static float[] Norms(Matrix<float> inputs)
    {
        const int chunk = 128;
        var norms = new float[inputs.Rows];
        Threads.For((norms.Length + chunk - 1) / chunk, c =>
        {
            int end = Math.Min(norms.Length, (c + 1) * chunk);
            for (int i = c * chunk; i < end; i++) norms[i] = TensorPrimitives.Norm<float>(inputs.Row(i));
        });
        return norms;
    }
}
