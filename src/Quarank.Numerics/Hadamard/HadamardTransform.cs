using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;
using System.Numerics.Tensors;

namespace Quarank.Numerics.Hadamard;

/// <summary>
/// x ← G x with a fixed orthonormal G = (M ⊗ H) / √size, H the Walsh–Hadamard matrix of order 2^k and M a factor of order m, size = m · 2^k: for the
/// smallest m = odd · 2^j that Paley's constructions give, else the Hartley matrix of the odd part, cos + sin of 2π a b / m, whose entries are of
/// nearly one size too. Costs n (k + m) operations instead of n².
/// </summary>
public sealed class HadamardTransform
{
    // A larger factor would cost as much as the layers it stands beside; a Hartley factor of the odd part is then smaller.
    private const int LargestPaley = 512;

    private static readonly ConcurrentDictionary<int, HadamardTransform> Known = new();
    private readonly int _order, _length;
    private readonly (double[] Forward, double[] Back) _doubles;
    private readonly (float[] Forward, float[] Back) _singles;

    private HadamardTransform(int size)
    {
        int odd = size >> BitOperations.TrailingZeroCount(size);
        (Size, _order, double[] factor) = (size, odd, Hartley(odd));
        IsHadamard = odd == 1;
        for (int order = 4 * odd; odd > 1 && order <= LargestPaley && size % order == 0 && !IsHadamard; order *= 2)
            if (PaleyMatrix.Of(order) is { } paley)
                (_order, factor, IsHadamard) = (order, [.. paley.Select(v => (double)v)], true);
        _length = size / _order;
        double[] turned = Turned(factor, _order);
        (_doubles, _singles) = ((factor, turned), (Singles(factor), Singles(turned)));
    }

    /// <summary>The transform of vectors of this size; made once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is below one.</exception>
    public static HadamardTransform Of(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        return Known.GetOrAdd(size, static n => new(n));
    }

    /// <summary>The values of a vector.</summary>
    public int Size { get; }

    /// <summary>The order of the factor that is no power of two; 1 = there is none.</summary>
    public int Factor => _order;

    /// <summary>Whether all entries of G are ± 1 / √size; no for sizes without a known matrix, where one factor is Hartley's.</summary>
    public bool IsHadamard { get; }

    /// <summary>x ← G x, in place; allocates nothing once it has run.</summary>
    public void Forward(Span<float> x) => Run(x, _singles.Forward);

    /// <inheritdoc cref="Forward(Span{float})"/>
    public void Forward(Span<double> x) => Run(x, _doubles.Forward);

    /// <summary>x ← Gᵀ x = G⁻¹ x, in place; allocates nothing once it has run.</summary>
    public void Backward(Span<float> x) => Run(x, _singles.Back);

    /// <inheritdoc cref="Backward(Span{float})"/>
    public void Backward(Span<double> x) => Run(x, _doubles.Back);

    private void Run<T>(Span<T> x, T[] factor) where T : unmanaged, INumber<T>, IRootFunctions<T>
    {
        if (x.Length != Size) throw new ArgumentException($"A vector of {Size} values is transformed here, not of {x.Length}.", nameof(x));
        for (int a = 0; a < _order; a++) WalshHadamard.Unscaled(x.Slice(a * _length, _length));
        var scale = T.One / T.Sqrt(T.CreateChecked(Size));
        if (_order == 1)
        {
            TensorPrimitives.Multiply<T>(x, scale, x);
            return;
        }
        T[] rented = ArrayPool<T>.Shared.Rent(Size);
        var product = rented.AsSpan(0, Size);
        WalshHadamard.TimesFactor(factor, _order, x, _length, product);
        TensorPrimitives.Multiply<T>(product, scale, x);
        ArrayPool<T>.Shared.Return(rented);
    }

    // cas(2π a b / m), the angle reduced first so that it is exact to the last bit for any m.
    private static double[] Hartley(int m)
    {
        var matrix = new double[m * m];
        for (int a = 0; a < m; a++)
            for (int b = 0; b < m; b++)
            {
                var (sin, cos) = Math.SinCos(2 * Math.PI * ((long)a * b % m) / m);
                matrix[a * m + b] = sin + cos;
            }
        return matrix;
    }

    private static double[] Turned(double[] m, int n)
    {
        var turned = new double[m.Length];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) turned[j * n + i] = m[i * n + j];
        return turned;
    }

    private static float[] Singles(double[] values) => [.. values.Select(v => (float)v)];
}
