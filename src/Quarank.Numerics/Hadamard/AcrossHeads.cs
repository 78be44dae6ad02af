using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;

namespace Quarank.Numerics.Hadamard;

/// <summary>
/// x ← (G ⊗ I) x: a vector of heads, each of some size, turned across the heads by the transform of their number. After a transform within each head
/// (I ⊗ H) it makes up G ⊗ H, which mixes all of the vector.
/// </summary>
public sealed class AcrossHeads
{
    private readonly int _heads, _size;
    private readonly double[] _matrix;
    private readonly float[] _single;

    public AcrossHeads(int heads, int size)
    {
        (_heads, _size, _matrix) = (heads, size, new double[heads * heads]);
        var column = new double[heads];
        for (int b = 0; b < heads; b++)
        {
            column.AsSpan().Clear();
            column[b] = 1;
            HadamardTransform.Of(heads).Forward(column);
            for (int a = 0; a < heads; a++) _matrix[a * heads + b] = column[a];
        }
        _single = [.. _matrix.Select(v => (float)v)];
    }

    /// <summary>x ← (G ⊗ I) x, in place; allocates nothing once it has run.</summary>
    public void Forward(Span<float> x) => Run(x, _single);

    /// <inheritdoc cref="Forward(Span{float})"/>
    public void Forward(Span<double> x) => Run(x, _matrix);

    private void Run<T>(Span<T> x, T[] matrix) where T : unmanaged, INumber<T>
    {
        if (x.Length != _heads * _size) throw new ArgumentException($"{_heads} heads of {_size} are turned here, not {x.Length} values.", nameof(x));
        T[] rented = ArrayPool<T>.Shared.Rent(x.Length);
        var sums = rented.AsSpan(0, x.Length);
        sums.Clear();
        for (int a = 0; a < _heads; a++)
        {
            var sum = sums.Slice(a * _size, _size);
            for (int b = 0; b < _heads; b++) TensorPrimitives.MultiplyAdd(x.Slice(b * _size, _size), matrix[a * _heads + b], sum, sum);
        }
        sums.CopyTo(x);
        ArrayPool<T>.Shared.Return(rented);
    }
}
