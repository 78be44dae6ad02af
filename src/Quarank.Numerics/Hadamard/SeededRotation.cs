using System.Numerics;
using System.Runtime.InteropServices;

namespace Quarank.Numerics.Hadamard;

/// <summary>
/// A random rotation that a seed stands for, x → V x with V Vᵀ = I. It spreads what is large in few places over all of them (incoherence; Chee et al. 2023,
/// arXiv:2307.13304).
/// </summary>
public abstract class SeededRotation
{
    public abstract int Size { get; }

    /// <summary>x ← V x, in place; allocates nothing once it has run.</summary>
    public abstract void Forward(Span<float> x);

    /// <inheritdoc cref="Forward(Span{float})"/>
    public abstract void Forward(Span<double> x);

    /// <summary>x ← Vᵀ x, in place: what <see cref="Forward(Span{float})"/> did is undone; allocates nothing once it has run.</summary>
    public abstract void Backward(Span<float> x);

    /// <inheritdoc cref="Backward(Span{float})"/>
    public abstract void Backward(Span<double> x);

    /// <summary>Every row of a matrix turned, in place and on the pool: A ← A Vᵀ.</summary>
    public void ForwardRows<T>(Matrix<T> rows) where T : unmanaged, INumber<T> => Rows(rows, forward: true);

    /// <summary>Every row of a matrix turned back: A ← A V.</summary>
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
            var singles = MemoryMarshal.Cast<T, float>(x);
            if (forward) Forward(singles);
            else Backward(singles);
        }
        else if (typeof(T) == typeof(double))
        {
            var doubles = MemoryMarshal.Cast<T, double>(x);
            if (forward) Forward(doubles);
            else Backward(doubles);
        }
        else throw new NotSupportedException($"Rows of {typeof(T).Name} are not turned; of float or double they are.");
    }

    /// <summary>The next 64 bits of SplitMix64.</summary>
    private protected static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
