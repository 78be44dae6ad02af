using System.Numerics.Tensors;

namespace Quarank.Numerics.Hadamard;

/// <summary>
/// A random rotation that a seed stands for: x → G S x with S = ± 1 on the diagonal and G of <see cref="HadamardTransform"/>. It spreads
/// what is large in few places over all of them (incoherence; Chee et al. 2023, arXiv:2307.13304; Tseng et al. 2024, arXiv:2402.04396).
/// </summary>
public sealed class SignedHadamard : SeededRotation
{
    private readonly HadamardTransform _transform;
    private readonly float[] _signs;
    private readonly double[] _wideSigns;

    /// <param name="seed">Of the signs: bit by bit from SplitMix64, the lowest first, 1 = minus.</param>
    public SignedHadamard(int size, long seed)
    {
        _transform = HadamardTransform.Of(size);
        (_signs, _wideSigns) = (new float[size], new double[size]);
        ulong state = (ulong)seed, bits = 0;
        for (int i = 0; i < size; i++, bits >>= 1)
        {
            if (i % 64 == 0) bits = Next(ref state);
            _wideSigns[i] = _signs[i] = (bits & 1) == 0 ? 1 : -1;
        }
    }

    public override int Size => _transform.Size;

    /// <summary>x ← G S x.</summary>
    public override void Forward(Span<float> x)
    {
        TensorPrimitives.Multiply(x, _signs, x);
        _transform.Forward(x);
    }

    /// <inheritdoc cref="Forward(Span{float})"/>
    public override void Forward(Span<double> x)
    {
        TensorPrimitives.Multiply(x, _wideSigns, x);
        _transform.Forward(x);
    }

    /// <summary>x ← S Gᵀ x.</summary>
    public override void Backward(Span<float> x)
    {
        _transform.Backward(x);
        TensorPrimitives.Multiply(x, _signs, x);
    }

    /// <inheritdoc cref="Backward(Span{float})"/>
    public override void Backward(Span<double> x)
    {
        _transform.Backward(x);
        TensorPrimitives.Multiply(x, _wideSigns, x);
    }
}
