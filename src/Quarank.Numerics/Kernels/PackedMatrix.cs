using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>What a packed matrix adds to scale · code.</summary>
public enum PackedOffset { Middle, ZeroPoint, Number }

/// <summary>
/// A packed matrix ready for one-token products y = W x with the input in signed bytes, one scale per 128 values: W x̂ is exact but for
/// the order of float sums, and x̂ differs from x by at most 1/254 of the largest value in its block.
/// </summary>
/// <remarks>
/// W = scale · code + offset, per group of a row. The offsets meet the same x̂ as the codes, so that what cancels between them still cancels.
/// A grid by columns (W = code · diag(scale) + 1 offsetᵀ) moves its scales into the input before that is rounded.
/// </remarks>
public sealed unsafe class PackedMatrix
{
    /// <summary>Bytes that may be read behind the last row.</summary>
    private const int Slack = 32;

    private const int RowChunk = 64;
    [ThreadStatic] private static ByteInput? t_input;
    private readonly PackedLayout _layout;
    private readonly byte[] _codes;
    private readonly float[] _scales;        // per group, row by row; empty when they are halves, or by columns
    private readonly ushort[] _halves;
    private readonly byte[] _zeros;
    private readonly float[] _offsets;
    private readonly PackedOffset _offset;
    private readonly Columns? _columns;

    /// <summary>A scale and an offset per column; Ratio = offset / scale, or 0 where the scale is 0.</summary>
    private sealed record Columns(float[] Scales, float[] Ratio, float[] Constant);

    /// <summary>A grid by rows, or by groups of rows.</summary>
    /// <param name="groupSize">Columns that share a scale; <paramref name="columns"/> for whole rows.</param>
    /// <param name="codes">rows × <see cref="BitPacking.ByteCount"/> bytes; copied.</param>
    /// <param name="scales">One per group, row by row.</param>
    /// <param name="halfScales">Whether every scale is exact in float16, and may be kept so.</param>
    /// <param name="zeros">One per scale for <see cref="PackedOffset.ZeroPoint"/>, else empty.</param>
    /// <param name="offsets">One per scale for <see cref="PackedOffset.Number"/>, else empty.</param>
    public PackedMatrix(
        int rows, int columns, int bits, int groupSize, ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, bool halfScales, PackedOffset offset, byte[] zeros, float[] offsets)
    {
        (Rows, _layout, _offset, _zeros, _offsets) = (rows, new PackedLayout(columns, bits, groupSize), offset, zeros, offsets);
        _codes = WithSlack(codes, rows);
        // Scales of groups are a part of what streams from memory, so they stay as small as they are stored.
        bool halves = halfScales && _layout.Groups > 1;
        _scales = halves ? [] : scales.ToArray();
        _halves = halves ? Halves(scales) : [];
    }

    /// <summary>A grid by columns.</summary>
    public PackedMatrix(int rows, int columns, int bits, ReadOnlySpan<byte> codes, float[] scales, float[] offsets)
    {
        (Rows, _layout, _offset, _zeros, _offsets, _scales, _halves) = (rows, new PackedLayout(columns, bits, columns), PackedOffset.Number, [], [], [], []);
        _codes = WithSlack(codes, rows);
        var (ratio, constant) = (new float[columns], new float[columns]);
        for (int j = 0; j < columns; j++)
            if (scales[j] != 0) ratio[j] = offsets[j] / scales[j];
            else constant[j] = offsets[j];
        _columns = new(scales, ratio, constant);
    }

    public int Rows { get; }

    /// <summary>Whether there are kernels for a grid of these groups (or of whole rows or columns: <paramref name="groupSize"/> = columns).</summary>
    public static bool Knows(int bits, int groupSize, int columns) => PackedLayout.Knows(bits, groupSize, columns);

    /// <summary>y = W x̂, on the pool. Allocates nothing once it has met its largest matrix.</summary>
    public void Multiply(ReadOnlySpan<float> x, Span<float> y)
    {
        if (x.Length != _layout.Columns || y.Length != Rows)
            throw new ArgumentException($"A {Rows}x{_layout.Columns} matrix does not take {x.Length} values to {y.Length}.", nameof(x));
        var input = t_input ??= new ByteInput();
        float shift = _columns is null ? FillByRows(input, x) : FillByColumns(input, x, _columns);
        fixed (float* target = y)
        {
            var job = new Job(this, input, (nint)target, shift);
            Threads.For((Rows + RowChunk - 1) / RowChunk, job, static (i, job) => job.Run(i));
        }
    }

    private readonly record struct Job(PackedMatrix Matrix, ByteInput Input, nint Target, float Shift)
    {
        public void Run(int i)
        {
            int first = i * RowChunk;
            Matrix.MultiplyRows(first, Math.Min(RowChunk, Matrix.Rows - first), Input, Shift, (float*)Target + first);
        }
    }

    private float FillByRows(ByteInput input, ReadOnlySpan<float> x)
    {
        input.Fill(x, _layout);
        return 0;
    }

    // Σ (s·c + o)·x = Σ c·(s·x) + Σ (o/s)·(s·x), the second sum being the same for every row.
    private float FillByColumns(ByteInput input, ReadOnlySpan<float> x, Columns columns)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(x.Length);
        var scaled = rented.AsSpan(0, x.Length);
        TensorPrimitives.Multiply(x, columns.Scales, scaled);
        input.Fill(scaled, _layout);
        float shift = TensorPrimitives.Dot(x, columns.Constant);
        for (int j = 0; j < x.Length; j += ByteInput.Block)
        {
            float sum = 0;
            for (int k = j; k < Math.Min(j + ByteInput.Block, x.Length); k++) sum += columns.Ratio[k] * input.Codes[k];
            shift += sum * input.Scales[j / ByteInput.Block];
        }
        ArrayPool<float>.Shared.Return(rented);
        return shift;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyRows(int first, int count, ByteInput input, float shift, float* y)
    {
        int groups = _layout.Groups, bytes = _layout.BytesPerRow;
        float one = 1;
        float* wide = stackalloc float[_halves.Length > 0 ? groups : 0];
        fixed (byte* codes = _codes)
        fixed (float* scales = _scales)
        {
            for (int i = 0; i < count; i++)
            {
                float* s = &one;
                if (_halves.Length > 0) SmallFloat.HalfToSingle(_halves.AsSpan((first + i) * groups, groups), new Span<float>(s = wide, groups));
                else if (_columns is null) s = scales + (first + i) * groups;
                y[i] = PackedDot.Of(codes + (long)(first + i) * bytes, s, input, _layout) + (_columns is null ? Offset(first + i, s, input) : shift);
            }
        }
    }

    // Σ over groups of offset · Σ x̂.
    private float Offset(int row, float* scales, ByteInput input)
    {
        int groups = _layout.Groups;
        var sums = new ReadOnlySpan<float>(input.GroupSums, groups);
        switch (_offset)
        {
            case PackedOffset.Number: return Dot(_offsets.AsSpan(row * groups, groups), sums);
            case PackedOffset.Middle: return -(1 << (_layout.Bits - 1)) * Dot(new ReadOnlySpan<float>(scales, groups), sums);
            default:
                float sum = 0;
                for (int g = 0; g < groups; g++) sum = MathF.FusedMultiplyAdd(-scales[g] * _zeros[row * groups + g], sums[g], sum);
                return sum;
        }
    }

    // In plain order, so that it is the same number on every processor.
    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float sum = 0;
        for (int g = 0; g < a.Length; g++) sum = MathF.FusedMultiplyAdd(a[g], b[g], sum);
        return sum;
    }

    private byte[] WithSlack(ReadOnlySpan<byte> codes, int rows)
    {
        if (codes.Length != (long)rows * _layout.BytesPerRow)
            throw new ArgumentException($"{rows}x{_layout.Columns} codes of {_layout.Bits} bits do not take {codes.Length} bytes.", nameof(codes));
        var copy = new byte[codes.Length + Slack];
        codes.CopyTo(copy);
        return copy;
    }

    private static ushort[] Halves(ReadOnlySpan<float> scales)
    {
        var halves = new ushort[scales.Length];
        SmallFloat.SingleToHalf(scales, halves);
        return halves;
    }
}
