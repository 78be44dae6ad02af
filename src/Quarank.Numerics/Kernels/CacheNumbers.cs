namespace Quarank.Numerics.Kernels;

/// <summary>How keys and values are kept.</summary>
public enum CacheNumbers
{
    /// <summary>32-bit floats.</summary>
    F32,

    /// <summary>16-bit floats: relative steps of 1/2,048; what lies beyond ±65,504 is kept as that.</summary>
    F16,

    /// <summary>Signed bytes with a scale for each head and token.</summary>
    Q8,

    /// <summary>4 bits with a scale and an offset for each head, token and group of 32 features.</summary>
    Q4,
}
