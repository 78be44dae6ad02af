using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;

namespace Quarank.Numerics.Hadamard;

/// <summary>
/// QuIP's rotation (Chee et al. 2023, arXiv:2307.13304): a permutation, the Kronecker product of two random orthogonal matrices, another permutation. The
/// orders of the two are the divisors of the size nearest to its root, so that a vector costs size · (order₁ + order₂); a prime size costs its square.
/// </summary>
public sealed class KroneckerRotation : SeededRotation
{
    private readonly int[] _before, _after;
    private readonly (double[] Forward, double[] Back) _left, _right;
    private readonly (float[] Forward, float[] Back) _leftSingle, _rightSingle;

    /// <param name="seed">Of SplitMix64, from which first the permutations are drawn, then normal variables for the matrices.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is below one.</exception>
    public KroneckerRotation(int size, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        Size = size;
        Left = (int)Math.Sqrt(size);
        while (size % Left != 0) Left--;
        ulong state = (ulong)seed;
        (_before, _after) = (Permutation(size, ref state), Permutation(size, ref state));
        _left = Orthogonal(Left, ref state);
        _right = Orthogonal(size / Left, ref state);
        (_leftSingle, _rightSingle) = ((Singles(_left.Forward), Singles(_left.Back)), (Singles(_right.Forward), Singles(_right.Back)));
    }

    public override int Size { get; }

    /// <summary>The order of the smaller factor; that of the other is <see cref="Size"/> / Left.</summary>
    public int Left { get; }

    public override void Forward(Span<float> x) => Run(x, _before, _after, _leftSingle.Forward, _rightSingle.Forward);

    public override void Forward(Span<double> x) => Run(x, _before, _after, _left.Forward, _right.Forward);

    public override void Backward(Span<float> x) => Run(x, _after, _before, _leftSingle.Back, _rightSingle.Back);

    public override void Backward(Span<double> x) => Run(x, _after, _before, _left.Back, _right.Back);

    // y = (A ⊗ B) x is A X Bᵀ of X = x row by row. Undone, each permutation is read where it was written.
    private void Run<T>(Span<T> x, int[] from, int[] to, T[] a, T[] b) where T : unmanaged, INumber<T>
    {
        if (x.Length != Size) throw new ArgumentException($"A vector of {Size} values is turned here, not of {x.Length}.", nameof(x));
        T[] rented = ArrayPool<T>.Shared.Rent(2 * Size);
        Span<T> first = rented.AsSpan(0, Size), second = rented.AsSpan(Size, Size);
        for (int i = 0; i < Size; i++) first[i] = x[from[i]];
        int right = Size / Left;
        WalshHadamard.TimesFactor(a, Left, first, right, second);
        for (int i = 0; i < Left; i++) WalshHadamard.TimesFactor(b, right, second.Slice(i * right, right), 1, first.Slice(i * right, right));
        for (int i = 0; i < Size; i++) x[to[i]] = first[i];
        ArrayPool<T>.Shared.Return(rented);
    }

    private static int[] Permutation(int size, ref ulong state)
    {
        int[] places = [.. Enumerable.Range(0, size)];
        for (int i = size - 1; i > 0; i--)
        {
            int j = (int)(Next(ref state) % (ulong)(i + 1));
            (places[i], places[j]) = (places[j], places[i]);
        }
        return places;
    }

    // Normal rows made orthonormal one after the other, each twice: the second time takes what rounding left.
    private static (double[] Forward, double[] Back) Orthogonal(int order, ref ulong state)
    {
        var rows = new double[order * order];
        for (int i = 0; i < order; i++)
        {
            var row = rows.AsSpan(i * order, order);
            foreach (ref double v in row) v = Normal(ref state);
            for (int round = 0; round < 2; round++)
                for (int k = 0; k < i; k++)
                {
                    var other = rows.AsSpan(k * order, order);
                    TensorPrimitives.MultiplyAdd(other, -TensorPrimitives.Dot<double>(row, other), row, row);
                }
            TensorPrimitives.Divide(row, TensorPrimitives.Norm<double>(row), row);
        }
        var turned = new double[order * order];
        for (int i = 0; i < order; i++)
            for (int j = 0; j < order; j++) turned[j * order + i] = rows[i * order + j];
        return (rows, turned);
    }

    private static double Normal(ref ulong state)
    {
        double u = ((Next(ref state) >> 11) + 1) * (1.0 / (1L << 53)), v = (Next(ref state) >> 11) * (1.0 / (1L << 53));
        return Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * v);
    }

    private static float[] Singles(double[] values) => [.. values.Select(v => (float)v)];
}
