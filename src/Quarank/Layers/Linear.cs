using System.Buffers;
using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>y = W x. What W looks like in memory is each subclass's business.</summary>
/// <param name="rows">Output features.</param>
/// <param name="columns">Input features.</param>
public abstract class Linear(int rows, int columns)
{
    private const int ManyRows = 16384, Panel = 512;

    /// <summary>Output features.</summary>
    public int Rows { get; } = rows;

    /// <summary>Input features.</summary>
    public int Columns { get; } = columns;

    // Storage

    /// <summary>What is stored, without the numbers.</summary>
    public abstract LinearFormat Format { get; }

    /// <summary>Adds this layer's tensors to <paramref name="tensors"/>; <see cref="LinearFormat.Load"/> reads them back.</summary>
    public abstract void Save(StoredTensors tensors);

    /// <summary>Every stored bit: codes, scales, zero-points, factors. Equals 8 × the bytes that <see cref="Save"/> writes.</summary>
    public abstract long Bits { get; }

    /// <summary>Whether it is not linear in its input, since it rounds it, or a part of it does.</summary>
    public virtual bool RoundsInput => false;

    public double BitsPerWeight => (double)Bits / ((long)Rows * Columns);

    // Mathematics

    /// <summary>Rows <paramref name="first"/> … of W as floats; <paramref name="rows"/> holds count × Columns values.</summary>
    public abstract void DecodeRows(int first, int count, Span<float> rows);

    /// <summary>All of W, as floats (Rows × Columns).</summary>
    public virtual Matrix<float> ToDense()
    {
        const int chunk = 64;
        var w = new Matrix<float>(Rows, Columns);
        Threads.For((Rows + chunk - 1) / chunk, c =>
        {
            int first = c * chunk, count = Math.Min(chunk, Rows - first);
            DecodeRows(first, count, w.RowRange(first, count));
        });
        return w;
    }

    // Kernel

    /// <summary>One token: y = W x. x has Columns values, y has Rows.</summary>
    public abstract void Apply(ReadOnlySpan<float> x, Span<float> y);

    /// <summary>Many tokens, one a row: y = x Wᵀ. x is tokens × Columns, y is tokens × Rows.</summary>
    public virtual void Apply(Matrix<float> x, Matrix<float> y)
    {
        if (Rows < ManyRows) LinearAlgebra.MultiplyTransposed(x, ToDense(), y);
        else ApplyPanels(x, y);
    }

    /// <summary>A head of a whole vocabulary as floats would be larger than the model, so each piece of work decodes its own rows.</summary>
    private void ApplyPanels(Matrix<float> x, Matrix<float> y)
    {
        if (x.Columns != Columns || y.Rows != x.Rows || y.Columns != Rows)
            throw new ArgumentException($"No product of {x.Rows}x{x.Columns} and {Rows}x{Columns} transposed into {y.Rows}x{y.Columns}.", nameof(y));
        Threads.For((Rows + Panel - 1) / Panel, p =>
        {
            int first = p * Panel, count = Math.Min(Panel, Rows - first);
            float[] rented = ArrayPool<float>.Shared.Rent(count * Columns);
            DecodeRows(first, count, rented.AsSpan(0, count * Columns));
            LinearAlgebra.Gemm(false, true, x.Rows, count, Columns, 1, x.Data, Columns, rented, Columns, 0, y.Data[first..], y.Columns);
            ArrayPool<float>.Shared.Return(rented);
        });
    }

    /// <summary>
    /// One token: y = W x̂, with x̂ the input rounded to signed bytes (<see cref="InputNumbers.Bytes"/>); in floats where the form has no kernel for bytes.
    /// Allocates nothing once it has run.
    /// </summary>
    public virtual void ApplyRounded(ReadOnlySpan<float> x, Span<float> y) => Apply(x, y);

    /// <summary>Many tokens, each rounded as one token is: the same products but for the order of float sums.</summary>
    public virtual void ApplyRounded(Matrix<float> x, Matrix<float> y) => Apply(x, y);

    /// <summary>One token, its input taken as <paramref name="numbers"/> says.</summary>
    public void Apply(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers)
    {
        if (numbers == InputNumbers.Bytes) ApplyRounded(x, y);
        else Apply(x, y);
    }

    /// <summary>Many tokens, one a row, their inputs taken as <paramref name="numbers"/> says.</summary>
    public void Apply(Matrix<float> x, Matrix<float> y, InputNumbers numbers)
    {
        if (numbers == InputNumbers.Bytes) ApplyRounded(x, y);
        else Apply(x, y);
    }

    /// <summary>Many tokens, one a row, into a new matrix (tokens × Rows).</summary>
    public Matrix<float> Apply(Matrix<float> x)
    {
        var y = new Matrix<float>(x.Rows, Rows);
        Apply(x, y);
        return y;
    }
}
