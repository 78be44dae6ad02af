using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// Sums x xᵀ at the input sites of one block, in the order of the sequences.
/// </summary>
/// <param name="sites">The sites to gather; the others are none of its business.</param>
/// <param name="weighting">How tokens are to be weighted; plain sums by default.</param>
internal sealed class StatisticsCollector(int block, IReadOnlyCollection<InputSite> sites, TokenWeighting? weighting = null) : ISiteCollector
{
    private readonly TokenWeighting _weighting = weighting ?? TokenWeighting.Plain;
    private readonly Dictionary<InputSite, SiteSums> _sums = [];

    public bool Wants(InputSite site) => sites.Contains(site);

    /// <exception cref="InvalidDataException">An activation is not finite.</exception>
    public void Add(int sequence, InputSite site, Matrix<float> inputs)
    {
        var norms = Norms(inputs);
        int bad = Array.FindIndex(norms, n => !float.IsFinite(n));
        if (bad >= 0)
            throw new InvalidDataException($"Block {block}: an input of {Name(site)} is not finite "
                + $"(sequence {sequence}, token {bad}); "
                + "the model, or what an earlier block was compressed to, overflows on the calibration text.");
        if (!_sums.TryGetValue(site, out var sums)) _sums[site] = sums = new(inputs.Columns, _weighting);
        sums.Add(inputs, norms);
    }

    /// <summary>The collector is spent afterwards.</summary>
    public Dictionary<InputSite, SiteStatistics> Finish() => _sums.ToDictionary(s => s.Key, s =>
    {
        var grams = s.Value.Finish();
        _weighting.Complete(grams);
        int tokens = s.Value.Norms.Count;
        return new SiteStatistics(tokens, grams, Sinks.Of(s.Value.Norms))
        {
            Routed = s.Key.Expert is null ? null : tokens,
            Magnitudes = s.Value.Magnitudes(),
            Rounded = s.Value.FinishRounded(),
        };
    });

    public static string Name(InputSite site) => site.Place switch
    {
        SitePlace.Attention => "queries, keys and values",
        SitePlace.AttentionOutput => "the attention's output projection",
        SitePlace.Mlp => "the feed-forward part",
        SitePlace.MlpOutput => "the feed-forward part's last layer",
        _ => throw new ArgumentOutOfRangeException(nameof(site), site, "no such site"),
    } + (site.Expert is { } expert ? $" of expert {expert}" : "");

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
