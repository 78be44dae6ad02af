using System.Numerics.Tensors;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>
/// The attention of one token, cut into a piece per head and page of the cache: each piece takes the soft-max of its own scores, and the
/// pieces of a head are joined by their greatest scores and sums (Milakov and Gimelshein 2018, arXiv:1805.02867, §3.1).
/// </summary>
internal sealed class TokenAttention(ModelSpec spec)
{
    /// <summary>Below as many multiplications a fork costs more than it gains.</summary>
    private const int Parallel = 1 << 15;

    private const int Stride = HeadCache.Page + AttentionKernels.Tile;

    private readonly float _scale = (float)(spec.AttentionScale ?? 1 / Math.Sqrt(spec.HeadSize));
    private float[] _scores = [], _outputs = [], _greatest = [], _sums = [];

    private readonly record struct Job(TokenAttention Attention, KeyValueCache Cache, float[] Queries, int From, int Keys)
    {
        public int FirstPage => From / HeadCache.Page;

        public int Pages => (Keys + HeadCache.Page - 1) / HeadCache.Page - FirstPage;
    }

    /// <param name="queries">Rotated, head by head.</param>
    /// <param name="from">The first key seen.</param>
    /// <param name="keys">One past the last key seen, which is the token's own.</param>
    /// <param name="attended">QuerySize values.</param>
    public void Run(KeyValueCache cache, float[] queries, int from, int keys, Span<float> attended)
    {
        var job = new Job(this, cache, queries, from, keys);
        int pieces = job.Pages * spec.KeyValueHeadCount, group = spec.HeadsPerGroup;
        if (_sums.Length < pieces * group)
        {
            // Twice as many as needed, so that a growing text seldom comes here.
            _scores = new float[2 * pieces * group * Stride];
            _outputs = new float[2 * pieces * group * spec.HeadSize];
            (_greatest, _sums) = (new float[2 * pieces * group], new float[2 * pieces * group]);
        }
        if ((keys - from) * spec.QuerySize < Parallel)
            for (int i = 0; i < pieces; i++) Attend(job, i);
        else Threads.ForRanges(pieces, job, static (i, job) => job.Attention.Attend(job, i));
        for (int head = 0; head < spec.HeadCount; head++) Join(job.Pages, head, attended.Slice(head * spec.HeadSize, spec.HeadSize));
    }

    // Piece head · pages + page, so that a range of pieces is a range of a head's keys.
    private void Attend(in Job job, int piece)
    {
        int group = spec.HeadsPerGroup, size = spec.HeadSize, head = piece / job.Pages, page = job.FirstPage + piece % job.Pages;
        int end = Math.Min(job.Keys, (page + 1) * HeadCache.Page), begin = Math.Max(job.From, page * HeadCache.Page);
        int first = begin / AttentionKernels.Tile * AttentionKernels.Tile, count = end - first, unseen = begin - first;
        var scores = _scores.AsSpan(piece * group * Stride, group * Stride);
        var cache = job.Cache.Head(head);
        cache.Scores(job.Queries.AsSpan(head * group * size, group * size), first, count, scores, Stride);
        for (int r = 0; r < group; r++)
        {
            var row = scores.Slice(r * Stride + unseen, count - unseen);
            float scale = _scale;
            if (spec.AttentionCap is { } cap)
            {
                SoftCap.Apply(row, scale, cap);
                scale = 1;
            }
            _greatest[piece * group + r] = scale * TensorPrimitives.Max<float>(row);
            _sums[piece * group + r] = ActivationKernels.Exponentiate(row, scale);
            scores.Slice(r * Stride, unseen).Clear();
        }
        cache.WeightedValues(scores, Stride, first, count, _outputs.AsSpan(piece * group * size, group * size));
    }

    private void Join(int pages, int head, Span<float> attended)
    {
        int group = spec.HeadsPerGroup, size = spec.HeadSize, first = head / group * pages * group + head % group;
        float greatest = float.NegativeInfinity, sum = 0;
        for (int p = 0; p < pages; p++) greatest = MathF.Max(greatest, _greatest[first + p * group]);
        attended.Clear();
        for (int p = 0; p < pages; p++)
        {
            int at = first + p * group;
            float weight = MathF.Exp(_greatest[at] - greatest);
            sum += weight * _sums[at];
            TensorPrimitives.MultiplyAdd(_outputs.AsSpan(at * size, size), weight, attended, attended);
        }
        TensorPrimitives.Divide(attended, sum, attended);
    }
}
