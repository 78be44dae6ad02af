using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>The cosines and sines of <see cref="RotarySpec"/> by position, computed in double when first needed.</summary>
internal sealed class RotaryEmbedding(RotarySpec spec, int headSize)
{
    private readonly double[] _frequencies = spec.Frequencies(headSize);
    private float[] _cosine = [], _sine = [];

    private int Half => headSize / 2;

    /// <summary>Makes the tables cover positions 0 … positions − 1.</summary>
    public void Cover(int positions)
    {
        int have = _cosine.Length / Half;
        if (positions <= have) return;
        int size = Math.Max(positions, 2 * have);
        Array.Resize(ref _cosine, size * Half);
        Array.Resize(ref _sine, size * Half);
        for (int p = have; p < size; p++)
        {
            for (int i = 0; i < Half; i++) (_sine[p * Half + i], _cosine[p * Half + i]) = SinCos(p * _frequencies[i]);
        }
    }

    /// <summary>Turns one head's vector to its position.</summary>
    public void Rotate(ReadOnlySpan<float> x, int position, Span<float> rotated) =>
        AttentionKernels.Rotate(x, _cosine.AsSpan(position * Half, Half), _sine.AsSpan(position * Half, Half), rotated);

    private static (float, float) SinCos(double angle)
    {
        var (sine, cosine) = Math.SinCos(angle);
        return ((float)sine, (float)cosine);
    }
}
