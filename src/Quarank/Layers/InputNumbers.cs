namespace Quarank.Layers;

/// <summary>In which numbers a product takes its input.</summary>
public enum InputNumbers
{
    /// <summary>As it is.</summary>
    Floats,

    /// <summary>Rounded to signed bytes with one scale per 128 values, by every form that has a kernel for it (<see cref="LinearFormat.WithoutKernel"/>).</summary>
    Bytes,
}
