using System.Numerics;
using System.Numerics.Tensors;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>What numbers of a stored form are, which says how large a step of them is.</summary>
internal enum TunedKind
{
    /// <summary>Each multiplies many weights: a scale, an offset, a level, a factor of a channel, a norm's gain. A step is a part of the number itself.</summary>
    Scales,

    /// <summary>Entries of a matrix. A step is a part of their root mean square.</summary>
    Factors,
}

/// <summary>Numbers of a stored form that may be anything, and the loss by them.</summary>
/// <param name="values">As they are stored, at first.</param>
internal sealed class TunedNumbers<T>(T[] values, TunedKind kind) where T : unmanaged, IFloatingPointIeee754<T>
{
    public T[] Values => values;

    /// <summary>Filled by <see cref="TunedForm{T}.Adjoint"/>.</summary>
    public T[] Gradient { get; } = new T[values.Length];

    public TunedKind Kind => kind;

    public static TunedNumbers<T> Of(ReadOnlySpan<float> stored, TunedKind kind)
    {
        var values = new T[stored.Length];
        TensorPrimitives.ConvertChecked<float, T>(stored, values);
        return new(values, kind);
    }

    public float[] ToFloats()
    {
        var floats = new float[values.Length];
        TensorPrimitives.ConvertChecked<T, float>(values, floats);
        return floats;
    }

    /// <summary>As float16 holds them; what is beyond its largest number becomes that.</summary>
    public float[] ToHalves()
    {
        float[] floats = ToFloats();
        float most = (float)Half.MaxValue;
        for (int i = 0; i < floats.Length; i++) floats[i] = (float)(Half)Math.Clamp(floats[i], -most, most);
        return floats;
    }
}
