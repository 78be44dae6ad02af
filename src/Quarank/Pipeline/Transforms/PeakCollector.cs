using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline.Transforms;

/// <summary>max |x_j| of every channel of a block's input sites, over all tokens.</summary>
internal sealed class PeakCollector(int block, IReadOnlyCollection<InputSite> sites) : ISiteCollector
{
    private const int Chunk = 256;
    private readonly Dictionary<InputSite, float[]> _peaks = [];

    public bool Wants(InputSite site) => sites.Contains(site);

    public void Add(int sequence, InputSite site, Matrix<float> inputs)
    {
        if (!_peaks.TryGetValue(site, out float[]? peaks)) _peaks[site] = peaks = new float[inputs.Columns];
        Threads.For((peaks.Length + Chunk - 1) / Chunk, c =>
        {
            int first = c * Chunk, count = Math.Min(Chunk, peaks.Length - first);
            var part = peaks.AsSpan(first, count);
            Span<float> one = stackalloc float[Chunk];
            for (int t = 0; t < inputs.Rows; t++)
            {
                TensorPrimitives.Abs(inputs.Row(t).Slice(first, count), one);
                TensorPrimitives.Max(part, one[..count], part);     // NaN stays
            }
        });
        if (!TensorPrimitives.IsFiniteAll<float>(peaks))
            throw new InvalidDataException($"Block {block}: an input of {StatisticsCollector.Name(site)} is not finite (sequence {sequence}); the model overflows on the calibration text.");
    }

    /// <summary>Of a site; zeros where no token came by.</summary>
    public float[] Of(InputSite site, int columns) => _peaks.GetValueOrDefault(site) ?? new float[columns];
}
