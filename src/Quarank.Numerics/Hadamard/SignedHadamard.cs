using System.Numerics;
using System.Numerics.Tensors;

namespace Quarank.Numerics.Hadamard;

/// <summary>
/// A random rotation that a seed stands for: x → G S x with S = ± 1 on the diagonal and G of <see cref="HadamardTransform"/>. It spreads
/// what is large in few places over all of them (incoherence; Chee et al. 2023, arXiv:2307.13304; Tseng et al. 2024, arXiv:2402.04396).
/// </summary>
public sealed class SignedHadamard
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

    public int Size => _transform.Size;

    /// <summary>x ← G S x, in place; allocates nothing once it has run.</summary>
    public void Forward(Span<float> x)
    {
        TensorPrimitives.Multiply(x, _signs, x);
        _transform.Forward(x);
    }

    /// <inheritdoc cref="Forward(Span{float})"/>
    public void Forward(Span<double> x)
    {
        TensorPrimitives.Multiply(x, _wideSigns, x);
        _transform.Forward(x);
    }

    /// <summary>x ← S Gᵀ x, in place: what <see cref="Forward(Span{float})"/> did is undone; allocates nothing once it has run.</summary>
    public void Backward(Span<float> x)
    {
        _transform.Backward(x);
        TensorPrimitives.Multiply(x, _signs, x);
    }

    /// <inheritdoc cref="Backward(Span{float})"/>
    public void Backward(Span<double> x)
    {
        _transform.Backward(x);
        TensorPrimitives.Multiply(x, _wideSigns, x);
    }

    /// <summary>Every row of a matrix turned, in place and on the pool: A ← A S Gᵀ.</summary>
    public void ForwardRows<T>(Matrix<T> rows) where T : unmanaged, INumber<T> => Rows(rows, forward: true);

    /// <summary>Every row of a matrix turned back: A ← A G S.</summary>
    public void BackwardRows<T>(Matrix<T> rows) where T : unmanaged, INumber<T> => Rows(rows, forward: false);

    private void Rows<T>(Matrix<T> rows, bool forward) where T : unmanaged, INumber<T>
    {
        const int chunk = 16;
        Threads.For((rows.Rows + chunk - 1) / chunk, c =>
        {
            for (int i = c * chunk; i < Math.Min(rows.Rows, (c + 1) * chunk); i++) Turn(rows.Row(i), forward);
        });
    }

    private void Turn<T>(Span<T> x, bool forward) where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            var singles = System.Runtime.InteropServices.MemoryMarshal.Cast<T, float>(x);
            if (forward) Forward(singles);
            else Backward(singles);
        }
        else if (typeof(T) == typeof(double))
        {
            var doubles = System.Runtime.InteropServices.MemoryMarshal.Cast<T, double>(x);
            if (forward) Forward(doubles);
            else Backward(doubles);
        }
        else throw new NotSupportedException($"Rows of {typeof(T).Name} are not turned; of float or double they are.");
    }

    private static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
