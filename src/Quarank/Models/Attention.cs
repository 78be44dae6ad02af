using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>
/// Causal soft-max attention with grouped queries: query heads g·k … g·k + g − 1 read key and value head k. The queries of
/// a group stand together, token by token, so that one product serves them all.
/// </summary>
internal sealed class Attention(ModelSpec spec, RotaryEmbedding rotary)
{
    /// <summary>Tokens per piece of work; times any group it is a multiple of the kernel's six rows.</summary>
    private const int Chunk = 48;

    private readonly float _scale = 1 / MathF.Sqrt(spec.HeadSize);
    private float[] _queries = [];

    /// <summary>Stores the keys and values of new tokens and attends from each of them to all before it and itself.</summary>
    /// <param name="query">tokens × QuerySize, not yet rotated.</param>
    /// <param name="key">tokens × KeyValueSize, not yet rotated.</param>
    /// <param name="value">tokens × KeyValueSize.</param>
    /// <param name="cache">Holds positions 0 … start − 1.</param>
    /// <param name="start">The position of the first new token.</param>
    /// <param name="attended">Becomes tokens × QuerySize.</param>
    public void Run(Matrix<float> query, Matrix<float> key, Matrix<float> value, KeyValueCache cache, int start, Matrix<float> attended)
    {
        int tokens = query.Rows;
        rotary.Cover(start + tokens);
        cache.Cover(start + tokens);
        if (_queries.Length < tokens * spec.QuerySize) _queries = new float[tokens * spec.QuerySize];

        if (tokens == 1)
        {
            Place(0, 1, query, key, value, cache, start);
            for (int head = 0; head < spec.KeyValueHeadCount; head++) Attend(head, 0, 1, tokens, cache, start, attended);
        }
        else
        {
            RunAll(query, key, value, cache, start, attended);
        }
    }

    /// <summary>As <see cref="Run"/>, part by part: a part overwrites what the cache holds from its start on.</summary>
    public void RunParts(
        IReadOnlyList<SequencePart> parts, Matrix<float> query, Matrix<float> key, Matrix<float> value, KeyValueCache cache, Matrix<float> attended)
    {
        int row = 0;
        foreach (var (start, count) in parts)
        {
            var part = new Matrix<float>(count, attended.Columns);
            Run(Rows(query, row, count), Rows(key, row, count), Rows(value, row, count), cache, start, part);
            part.Data.CopyTo(attended.RowRange(row, count));
            row += count;
        }
    }

    private static Matrix<float> Rows(Matrix<float> of, int first, int count) => new(count, of.Columns, of.RowRange(first, count).ToArray());

    private void RunAll(Matrix<float> query, Matrix<float> key, Matrix<float> value, KeyValueCache cache, int start, Matrix<float> attended)
    {
        int tokens = query.Rows, heads = spec.KeyValueHeadCount, chunks = (tokens + Chunk - 1) / Chunk;
        RowWise.For(tokens, (first, count) => Place(first, count, query, key, value, cache, start));
        Threads.For(chunks * heads, piece =>
        {
            int first = (chunks - 1 - piece / heads) * Chunk;   // the longest first, so that the pool ends together
            Attend(piece % heads, first, Math.Min(Chunk, tokens - first), tokens, cache, start, attended);
        });
    }

    /// <summary>Rotates queries into their groups and keys into the cache, and copies values.</summary>
    private void Place(int first, int count, Matrix<float> query, Matrix<float> key, Matrix<float> value, KeyValueCache cache, int start)
    {
        int size = spec.HeadSize, group = spec.HeadsPerGroup;
        Span<float> rotated = stackalloc float[size];
        for (int t = first; t < first + count; t++)
        {
            for (int head = 0; head < spec.KeyValueHeadCount; head++)
            {
                for (int h = 0; h < group; h++)
                {
                    rotary.Rotate(query.Row(t).Slice((head * group + h) * size, size), start + t,
                        _queries.AsSpan(((head * query.Rows + t) * group + h) * size, size));
                }
                rotary.Rotate(key.Row(t).Slice(head * size, size), start + t, rotated);
                AttentionKernels.StoreKey(rotated, cache.Keys(head), start + t);
                value.Row(t).Slice(head * size, size).CopyTo(cache.Values(head)[((start + t) * size)..]);
            }
        }
    }

    /// <summary>The queries of tokens first … first + count − 1 of one group against the keys up to the last of them.</summary>
    private void Attend(int head, int first, int count, int tokens, KeyValueCache cache, int start, Matrix<float> attended)
    {
        int size = spec.HeadSize, group = spec.HeadsPerGroup, rows = count * group;
        int keys = start + first + count;
        int stride = AttentionKernels.WholeTiles(keys) + AttentionKernels.Tile;   // never a power of two, which would crowd few cache sets
        var rented = ArrayPool<float>.Shared.Rent(rows * (stride + size));
        Span<float> scores = rented.AsSpan(0, rows * stride), output = rented.AsSpan(rows * stride, rows * size);

        AttentionKernels.Scores(_queries.AsSpan((head * tokens + first) * group * size, rows * size), size, cache.Keys(head), keys, scores, stride);
        Span<float> sums = stackalloc float[rows];
        for (int r = 0; r < rows; r++)
        {
            int seen = start + first + r / group + 1;
            sums[r] = ActivationKernels.Exponentiate(scores.Slice(r * stride, seen), _scale);
            scores.Slice(r * stride + seen, keys - seen).Clear();
        }

        AttentionKernels.Values(scores, stride, keys, cache.Values(head), size, output);
        for (int r = 0; r < rows; r++)
        {
            var target = attended.Row(first + r / group).Slice((head * group + r % group) * size, size);
            TensorPrimitives.Divide(output.Slice(r * size, size), sums[r], target);
        }
        ArrayPool<float>.Shared.Return(rented);
    }
}
