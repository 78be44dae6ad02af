using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>The cosines and sines of a <see cref="RotarySpec"/> by position, computed in double when first needed.</summary>
internal sealed class RotaryEmbedding(RotarySpec spec, int headSize, bool longText = false)
{
    private readonly double[] _frequencies = spec.Frequencies(headSize, longText);
    private readonly double _magnitude = spec.Scaling?.Magnitude ?? 1;
    private float[] _cosine = [], _sine = [];

    private int Half => _frequencies.Length;

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
    public void Rotate(ReadOnlySpan<float> x, int position, Span<float> rotated)
    {
        int size = 2 * Half;
        AttentionKernels.Rotate(x[..size], _cosine.AsSpan(position * Half, Half), _sine.AsSpan(position * Half, Half), rotated[..size]);
        x[size..].CopyTo(rotated[size..]);
    }

    private (float, float) SinCos(double angle)
    {
        var (sine, cosine) = Math.SinCos(angle);
        return ((float)(_magnitude * sine), (float)(_magnitude * cosine));
    }
}

/// <summary>The rotations of a model: in blocks with a window and in others, in short texts and in long ones.</summary>
internal sealed class RotaryTables
{
    private readonly RotaryEmbedding? _full, _long, _window;
    private readonly int _switch;

    public RotaryTables(ModelSpec spec)
    {
        _switch = spec.RotarySwitch ?? int.MaxValue;
        if (spec.Rotary is not { } rotary) return;
        _full = new(rotary, spec.HeadSize);
        _long = spec.RotarySwitch is null ? _full : new(rotary, spec.HeadSize, longText: true);
        if (spec.WindowRotary is { } other) _window = new(other, spec.HeadSize);
    }

    /// <summary>Null where nothing turns.</summary>
    public RotaryEmbedding? For(bool windowed, int length) =>
        windowed && _window is not null ? _window : length > _switch ? _long : _full;
}
