using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Numerics;
using Quarank.Numerics.Hadamard;
using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>
/// Causal soft-max attention with grouped queries: query heads g·k … g·k + g − 1 read key and value head k. The queries of
/// a group stand together, token by token, so that one product serves them all.
/// </summary>
internal sealed class Attention(ModelSpec spec)
{
    /// <summary>Tokens per piece of work; times any group it is a multiple of the kernel's six rows.</summary>
    private const int Chunk = 48;

    private readonly RotaryTables _rotary = new(spec);
    private readonly float _scale = (float)(spec.AttentionScale ?? 1 / Math.Sqrt(spec.HeadSize));
    private readonly TokenAttention _one = new(spec);
    private readonly HadamardTransform? _keys = new OnlineRotation(spec).Keys;
    private float[] _queries = [];

    /// <summary>Stores the keys and values of new tokens and attends from each of them to itself and those before it.</summary>
    /// <param name="attended">tokens × QuerySize; the call's rows are filled.</param>
    public void Run(in AttentionCall call, Matrix<float> attended)
    {
        int tokens = call.Tokens;
        var rotary = _rotary.For(call.Traits.Window is not null, call.Length);
        rotary?.Cover(call.Start + tokens);
        call.Cache.Cover(call.Start + tokens);
        if (_queries.Length < tokens * spec.QuerySize) _queries = new float[tokens * spec.QuerySize];

        if (tokens == 1)
        {
            Place(call, rotary, 0, 1);
            int from = call.Traits.Window is { } window ? Math.Max(0, call.Start + 1 - window) : 0;
            _one.Run(call.Cache, _queries, from, call.Start + 1, attended.Row(call.Row));
        }
        else
        {
            RunAll(call, rotary, attended);
        }
    }

    private void RunAll(AttentionCall call, RotaryEmbedding? rotary, Matrix<float> attended)
    {
        int tokens = call.Tokens, heads = spec.KeyValueHeadCount, chunks = (tokens + Chunk - 1) / Chunk;
        RowWise.For(tokens, (first, count) => Place(call, rotary, first, count));
        Threads.For(chunks * heads, piece =>
        {
            int first = (chunks - 1 - piece / heads) * Chunk;   // the longest first, so that the pool ends together
            Attend(call, piece % heads, first, Math.Min(Chunk, tokens - first), attended);
        });
    }

    /// <summary>Normalizes and rotates queries into their groups and keys into the cache, and copies values.</summary>
    private void Place(in AttentionCall call, RotaryEmbedding? rotary, int first, int count)
    {
        int size = spec.HeadSize, group = spec.HeadsPerGroup;
        Span<float> key = stackalloc float[size];
        for (int t = first; t < first + count; t++)
        {
            int position = call.Start + t;
            for (int head = 0; head < spec.KeyValueHeadCount; head++)
            {
                for (int h = 0; h < group; h++)
                {
                    var query = _queries.AsSpan(((head * call.Tokens + t) * group + h) * size, size);
                    Turn(call.Query.Head(call.Row + t, head * group + h, size), call.Traits.QueryNorm, rotary, position, query);
                }
                Turn(call.Key.Head(call.Row + t, head, size), call.Traits.KeyNorm, rotary, position, key);
                call.Cache.Head(head).Store(position, key, call.Value.Head(call.Row + t, head, size));
            }
        }
    }

    /// <param name="x">Spent where there is a norm.</param>
    private void Turn(Span<float> x, Norm? norm, RotaryEmbedding? rotary, int position, Span<float> turned)
    {
        norm?.Apply(x, x);
        if (rotary is null) x.CopyTo(turned);
        else rotary.Rotate(x, position, turned);
        _keys?.Forward(turned);
    }

    /// <summary>The queries of tokens first … first + count − 1 of one group against all keys that any of them sees.</summary>
    private void Attend(in AttentionCall call, int head, int first, int count, Matrix<float> attended)
    {
        int size = spec.HeadSize, group = spec.HeadsPerGroup, rows = count * group, window = call.Traits.Window ?? int.MaxValue;
        int from = Math.Max(0, call.Start + first + 1 - window) / AttentionKernels.Tile * AttentionKernels.Tile;   // keys lie in whole tiles
        int keys = call.Start + first + count - from;
        int stride = AttentionKernels.WholeTiles(keys) + AttentionKernels.Tile;   // never a power of two, which would crowd few cache sets
        var rented = ArrayPool<float>.Shared.Rent(rows * (stride + size) + HeadCache.Page * size);
        Span<float> scores = rented.AsSpan(0, rows * stride), output = rented.AsSpan(rows * stride, rows * size);
        var scratch = rented.AsSpan(rows * (stride + size), HeadCache.Page * size);

        var cache = call.Cache.Head(head);
        for (int at = from, part; at < from + keys; at += part)
        {
            part = Math.Min(from + keys, (at / HeadCache.Page + 1) * HeadCache.Page) - at;
            AttentionKernels.Scores(_queries.AsSpan((head * call.Tokens + first) * group * size, rows * size), size,
                cache.Keys(at, part, scratch), part, scores[(at - from)..], stride);
        }
        Span<float> sums = stackalloc float[rows];
        for (int r = 0; r < rows; r++)
        {
            int end = call.Start + first + r / group + 1 - from, begin = Math.Max(0, end - window);
            var row = scores.Slice(r * stride, keys);
            row[..begin].Clear();
            row[end..].Clear();
            sums[r] = Exponentiate(row[begin..end]);
        }

        for (int at = from, part; at < from + keys; at += part)
        {
            part = Math.Min(from + keys, (at / HeadCache.Page + 1) * HeadCache.Page) - at;
            AttentionKernels.Values(scores[(at - from)..], stride, part, cache.Values(at, part, scratch), size, output, add: at > from);
        }
        for (int r = 0; r < rows; r++)
        {
            var target = attended.Row(call.Row + first + r / group).Slice((head * group + r % group) * size, size);
            TensorPrimitives.Divide(output.Slice(r * size, size), sums[r], target);
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    /// <summary>Scores to weights that are not divided by their sum yet, which is returned.</summary>
    private float Exponentiate(Span<float> scores)
    {
        if (spec.AttentionCap is not { } cap) return ActivationKernels.Exponentiate(scores, _scale);
        SoftCap.Apply(scores, _scale, cap);
        return ActivationKernels.Exponentiate(scores, 1);
    }
}
