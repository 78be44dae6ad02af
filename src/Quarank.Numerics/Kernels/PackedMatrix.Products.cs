using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Quarank.Numerics.Kernels;

/// <summary>Products of one token.</summary>
public sealed unsafe partial class PackedMatrix
{
    [ThreadStatic] private static ByteInput? t_bytes;
    [ThreadStatic] private static FloatInput? t_floats;

    /// <summary>
    /// y = W x̂, on the pool; x̂ is x in signed bytes with one scale per 128 values, so that it differs from x by at most 1/254 of the largest
    /// value in its block. W x̂ is exact but for the order of float sums, the same at any thread count. Allocates nothing once it has met its
    /// largest matrix.
    /// </summary>
    public void Multiply(ReadOnlySpan<float> x, Span<float> y)
    {
        if (_table is null) Bytes(x, y, &PackedDot.Multiply);
        else Bytes(x, y, &PackedLevels.Multiply);
    }

    /// <summary>y = W x with x as it is: sums of floats in a fixed order. Slower by the conversion of every code to float.</summary>
    public void MultiplyFloat(ReadOnlySpan<float> x, Span<float> y) => Floats(x, y, &PackedFloat.Multiply);

    /// <summary>x̂, which <see cref="Multiply(ReadOnlySpan{float}, Span{float})"/> takes in the place of x.</summary>
    public void Round(ReadOnlySpan<float> x, Span<float> rounded)
    {
        var input = t_bytes ??= new ByteInput();
        if (_columns is null) input.Fill(x, _layout);
        else FillByColumns(input, x, _columns);
        input.Values(rounded[..x.Length]);
        if (_columns is null) return;
        for (int j = 0; j < x.Length; j++) rounded[j] = _columns.Scales[j] == 0 ? x[j] : rounded[j] / _columns.Scales[j];
    }

    /// <summary><see cref="Multiply(ReadOnlySpan{float}, Span{float})"/> by plain loops, bit for bit.</summary>
    internal void MultiplyScalar(ReadOnlySpan<float> x, Span<float> y)
    {
        if (_table is null) Bytes(x, y, &PackedDotScalar.Multiply);
        else Bytes(x, y, &PackedLevelsScalar.Multiply);
    }

    /// <summary><see cref="MultiplyFloat"/> by plain loops, bit for bit.</summary>
    internal void MultiplyFloatScalar(ReadOnlySpan<float> x, Span<float> y) => Floats(x, y, &PackedFloatScalar.Multiply);

    private void Bytes(ReadOnlySpan<float> x, Span<float> y, delegate*<in PackedRows, in PackedInput, int, float*, void> kernel)
    {
        Check(x, y);
        var input = t_bytes ??= new ByteInput();
        float shift = 0, factor = _table?.Step ?? 1;
        if (_columns is null) input.Fill(x, _layout);
        else shift = FillByColumns(input, x, _columns);
        Run(y, new Job(this, input.Pointers, 0, shift, factor, _table is null ? _layout.Base - (1 << (_layout.Bits - 1)) : -2048, (nint)kernel));
    }

    private void Floats(ReadOnlySpan<float> x, Span<float> y, delegate*<in PackedRows, in PackedInput, int, float*, void> kernel)
    {
        Check(x, y);
        var input = t_floats ??= new FloatInput();
        float shift = 0;
        if (_columns is null) input.Fill(x, _layout);
        else shift = FillByColumns(input, x, _columns);
        Run(y, new Job(this, input.Pointers, 0, shift, 1, _table is null ? _layout.Base - (1 << (_layout.Bits - 1)) : 0, (nint)kernel));
    }

    private void Check(ReadOnlySpan<float> x, Span<float> y)
    {
        if (x.Length != _layout.Columns || y.Length != Rows)
            throw new ArgumentException($"A {Rows}x{_layout.Columns} matrix does not take {x.Length} values to {y.Length}.", nameof(x));
    }

    private void Run(Span<float> y, Job job)
    {
        fixed (float* target = y)
            Threads.ForRanges((Rows + _rowChunk - 1) / _rowChunk, job with { Target = (nint)target }, static (i, job) => job.Run(i));
    }

    private readonly record struct Job(PackedMatrix Matrix, PackedInput Input, nint Target, float Shift, float Factor, float Middle, nint Kernel)
    {
        public void Run(int i)
        {
            int first = i * Matrix._rowChunk, end = Math.Min(first + Matrix._rowChunk, Matrix.Rows), safe = Math.Clamp(Matrix._safeRows, first, end);
            fixed (byte* codes = Matrix._codes, lastRows = Matrix._lastRows)
            {
                int bytes = Matrix._layout.BytesPerRow;
                Run(codes + (nint)first * bytes, first, safe - first);
                Run(lastRows + (nint)(safe - Matrix._safeRows) * bytes, safe, end - safe);
            }
        }

        private void Run(byte* codes, int first, int count)
        {
            if (count <= 0) return;
            var m = Matrix;
            float* y = (float*)Target + first;
            nint at = (nint)first * m._layout.Groups;
            fixed (float* scales = m._scales, offsets = m._offsets, levels = m._table?.Levels)
            fixed (ushort* halves = m._halves)
            fixed (byte* zeros = m._zeros, high = m._table?.High, low = m._table?.Low)
            {
                var rows = new PackedRows
                {
                    Layout = m._layout,
                    Offset = m._offset,
                    Codes = codes,
                    Scales = scales == null ? null : scales + at,
                    Halves = halves == null ? null : halves + at,
                    Zeros = zeros + at,
                    Offsets = offsets + at,
                    Factor = Factor,
                    Middle = Middle,
                    Levels = levels,
                    High = high,
                    Low = low,
                };
                ((delegate*<in PackedRows, in PackedInput, int, float*, void>)Kernel)(rows, Input, count, y);
            }
            if (m._columns is not null) for (int i = 0; i < count; i++) y[i] = MathF.FusedMultiplyAdd(Factor, y[i], Shift);
        }
    }

    // Σ (s·c + o)·x = Σ c·(s·x) + Σ (o/s)·(s·x), the second sum being the same for every row.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float FillByColumns(ByteInput input, ReadOnlySpan<float> x, Columns columns)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(x.Length);
        var scaled = rented.AsSpan(0, x.Length);
        TensorPrimitives.Multiply(x, columns.Scales, scaled);
        input.Fill(scaled, _layout);
        float sum = input.Pointers.GroupSums[0], shift;
        if (_table is not null) shift = -2048 * _table.Step * sum;
        else
        {
            input.Values(scaled);
            shift = TensorPrimitives.Dot(x, columns.Constant) + TensorPrimitives.Dot(scaled, columns.Ratio) + _layout.Base * sum;
        }
        ArrayPool<float>.Shared.Return(rented);
        return shift;
    }

    private float FillByColumns(FloatInput input, ReadOnlySpan<float> x, Columns columns)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(x.Length);
        var scaled = rented.AsSpan(0, x.Length);
        TensorPrimitives.Multiply(x, columns.Scales, scaled);
        input.Fill(scaled, _layout);
        ArrayPool<float>.Shared.Return(rented);
        return _table is not null ? 0 : TensorPrimitives.Dot(x, columns.Offsets) + _layout.Base * input.Pointers.GroupSums[0];
    }
}
