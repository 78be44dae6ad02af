using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// The pieces of soft-max attention for one key and value head. Keys lie in tiles of 16: tile, then feature, then key, so
/// that 16 scores come from contiguous loads; values lie one a row.
/// </summary>
public static class AttentionKernels
{
    /// <summary>Keys per tile.</summary>
    public const int Tile = PanelProduct.Width;

    /// <summary>The number of keys, rounded up to whole tiles.</summary>
    public static int WholeTiles(int keys) => (keys + Tile - 1) / Tile * Tile;

    /// <summary>scores[r, j] = query r · key j for all keys of the tiles that hold the first <paramref name="keys"/>.</summary>
    /// <param name="queries">Rows of headSize values.</param>
    /// <param name="tiles">Keys in tiles.</param>
    /// <param name="scores">Rows of <paramref name="stride"/> values, stride at least <see cref="WholeTiles"/> of keys.</param>
    public static void Scores(ReadOnlySpan<float> queries, int headSize, ReadOnlySpan<float> tiles, int keys, Span<float> scores, int stride)
    {
        int rows = queries.Length / headSize;
        for (int first = 0; first < keys; first += Tile)
        {
            PanelProduct.Multiply(rows, headSize, queries, headSize, tiles.Slice(first * headSize, Tile * headSize), Tile,
                scores[first..], stride, add: false);
        }
    }

    /// <summary>output r = or += Σ weights[r, j] · value j over a page of values, or less.</summary>
    /// <param name="weights">Rows of <paramref name="stride"/> values.</param>
    /// <param name="values">Rows of headSize values.</param>
    /// <param name="output">Rows of headSize values.</param>
    public static void Values(
        ReadOnlySpan<float> weights, int stride, int keys, ReadOnlySpan<float> values, int headSize, Span<float> output, bool add)
    {
        int rows = output.Length / headSize, panels = headSize / PanelProduct.Width * PanelProduct.Width;
        for (int column = 0; column < panels; column += PanelProduct.Width)
            PanelProduct.Multiply(rows, keys, weights, stride, values[column..], headSize, output[column..], headSize, add);
        if (panels == headSize) return;

        for (int r = 0; r < rows; r++)
        {
            var rest = output.Slice(r * headSize + panels, headSize - panels);
            if (!add) rest.Clear();
            for (int j = 0; j < keys; j++)
                TensorPrimitives.MultiplyAdd(values.Slice(j * headSize + panels, rest.Length), weights[r * stride + j], rest, rest);
        }
    }

    /// <summary>Turns each pair (i, i + half) of <paramref name="x"/> by the angle whose cosine and sine stand at i.</summary>
    public static void Rotate(ReadOnlySpan<float> x, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine, Span<float> rotated)
    {
        int half = x.Length / 2, i = 0;
        cosine = cosine[..half];
        sine = sine[..half];
        ReadOnlySpan<float> low = x[..half], high = x[half..];
        Span<float> newLow = rotated[..half], newHigh = rotated.Slice(half, half);
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i + 8 <= half; i += 8)
            {
                var (a, b) = (Vector256.Create(low.Slice(i, 8)), Vector256.Create(high.Slice(i, 8)));
                var (c, s) = (Vector256.Create(cosine.Slice(i, 8)), Vector256.Create(sine.Slice(i, 8)));
                (a * c - b * s).CopyTo(newLow.Slice(i, 8));
                (b * c + a * s).CopyTo(newHigh.Slice(i, 8));
            }
        }
        for (; i < half; i++)
            (newLow[i], newHigh[i]) = (low[i] * cosine[i] - high[i] * sine[i], high[i] * cosine[i] + low[i] * sine[i]);
    }
}
