using System.Numerics.Tensors;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// The pieces of soft-max attention for one key and value head. Keys lie in tiles of 16: tile, then feature, then key, so
/// that 16 scores come from contiguous loads; values lie one a row.
/// </summary>
public static class AttentionKernels
{
    /// <summary>Keys per tile.</summary>
    public const int Tile = 16;

    /// <summary>Room (in floats) for <paramref name="keys"/> keys in tiles.</summary>
    public static int TiledLength(int keys, int headSize) => checked(WholeTiles(keys) * headSize);

    /// <summary>The number of keys, rounded up to whole tiles.</summary>
    public static int WholeTiles(int keys) => (keys + Tile - 1) / Tile * Tile;

    /// <summary>Puts the key of one position in its place among the tiles.</summary>
    public static void StoreKey(ReadOnlySpan<float> key, Span<float> tiles, int position)
    {
        int at = position / Tile * Tile * key.Length + position % Tile;
        for (int d = 0; d < key.Length; d++) tiles[at + d * Tile] = key[d];
    }

    /// <summary>scores[r, j] = query r · key j for all keys of the tiles that hold the first <paramref name="keys"/>.</summary>
    /// <param name="queries">Rows of headSize values.</param>
    /// <param name="tiles">Keys in tiles.</param>
    /// <param name="scores">Rows of <paramref name="stride"/> values, stride at least <see cref="WholeTiles"/> of keys.</param>
    public static void Scores(ReadOnlySpan<float> queries, int headSize, ReadOnlySpan<float> tiles, int keys, Span<float> scores, int stride)
    {
        int rows = queries.Length / headSize, whole = WholeTiles(keys);
        for (int r = 0; r < rows; r++)
        {
            var row = scores.Slice(r * stride, whole);
            row.Clear();
            for (int tile = 0; tile < whole; tile += Tile)
            {
                for (int d = 0; d < headSize; d++)
                {
                    float q = queries[r * headSize + d];
                    for (int j = 0; j < Tile; j++) row[tile + j] += q * tiles[(tile * headSize) + d * Tile + j];
                }
            }
        }
    }

    /// <summary>Replaces the first <paramref name="valid"/> scores by exp(scale · (score − greatest)), the rest by 0; returns their sum.</summary>
    public static float Exponentiate(Span<float> scores, int valid, float scale)
    {
        scores[valid..].Clear();
        return ActivationKernels.Exponentiate(scores[..valid], scale);
    }

    /// <summary>output r = Σ weights[r, j] · value j over the first <paramref name="keys"/> values.</summary>
    /// <param name="weights">Rows of <paramref name="stride"/> values.</param>
    /// <param name="values">Rows of headSize values.</param>
    /// <param name="output">Rows of headSize values.</param>
    public static void Values(
        ReadOnlySpan<float> weights, int stride, int keys, ReadOnlySpan<float> values, int headSize, Span<float> output)
    {
        int rows = output.Length / headSize;
        output.Clear();
        for (int r = 0; r < rows; r++)
        {
            var sum = output.Slice(r * headSize, headSize);
            for (int j = 0; j < keys; j++)
                TensorPrimitives.MultiplyAdd(values.Slice(j * headSize, headSize), weights[r * stride + j], sum, sum);
        }
    }

    /// <summary>Turns each pair (i, i + half) of <paramref name="x"/> by the angle whose cosine and sine stand at i.</summary>
    public static void Rotate(ReadOnlySpan<float> x, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine, Span<float> rotated)
    {
        int half = x.Length / 2;
        for (int i = 0; i < half; i++)
        {
            float a = x[i], b = x[i + half];
            rotated[i] = a * cosine[i] - b * sine[i];
            rotated[i + half] = b * cosine[i] + a * sine[i];
        }
    }
}
