using System.Buffers;
using System.Numerics.Tensors;

namespace Quarank.Numerics.Kernels;

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
    /// <summary>Bytes that kernels may read behind a row.</summary>
    private const int Slack = 32;

    [ThreadStatic] private static ByteInput? t_input;
    private readonly PackedLayout _layout;
    private readonly byte[] _codes;
    private readonly byte[] _lastRows;       // those behind which there are too few bytes, with enough of them
    private readonly int _safeRows, _rowChunk;
    private readonly float[] _scales;        // per group, row by row, with eight more; empty when they are halves, or by columns
    private readonly ushort[] _halves;
    private readonly byte[] _zeros;
    private readonly float[] _offsets;
    private readonly PackedOffset _offset;
    private readonly Columns? _columns;

    /// <summary>A scale and an offset per column; Ratio = offset / scale, or 0 where the scale is 0.</summary>
    private sealed record Columns(float[] Scales, float[] Ratio, float[] Constant);

    /// <summary>A grid by rows, or by groups of rows.</summary>
    /// <param name="groupSize">Columns that share a scale; <paramref name="columns"/> for whole rows.</param>
    /// <param name="codes">rows × <see cref="BitPacking.ByteCount"/> bytes; not copied.</param>
    /// <param name="scales">One per group, row by row.</param>
    /// <param name="halfScales">Whether every scale is exact in float16, and may be kept so.</param>
    /// <param name="zeros">One per scale for <see cref="PackedOffset.ZeroPoint"/>, else empty.</param>
    /// <param name="offsets">One per scale for <see cref="PackedOffset.Number"/>, else empty.</param>
    public PackedMatrix(
        int rows, int columns, int bits, int groupSize, byte[] codes, ReadOnlySpan<float> scales, bool halfScales, PackedOffset offset, byte[] zeros, float[] offsets)
        : this(rows, columns, bits, groupSize, codes, offset)
    {
        int count = checked(rows * _layout.Groups);
        if (scales.Length != count || zeros.Length != (offset == PackedOffset.ZeroPoint ? count : 0) || offsets.Length != (offset == PackedOffset.Number ? count : 0))
            throw new ArgumentException($"{count} scales were expected, found {scales.Length} with {zeros.Length} zero-points and {offsets.Length} offsets.", nameof(scales));
        // Scales of groups are a part of what streams from memory, so they stay as small as they are stored.
        bool halves = halfScales && _layout.Groups > 1 && TensorPrimitives.IsFiniteAll(scales);
        _scales = halves ? [] : Padded(scales);
        _halves = halves ? Halves(scales) : [];
        (_zeros, _offsets) = (Padded<byte>(zeros), Padded<float>(offsets));
    }

    /// <summary>A grid by columns.</summary>
    /// <param name="codes">rows × <see cref="BitPacking.ByteCount"/> bytes; not copied.</param>
    /// <param name="scales">One per column.</param>
    /// <param name="offsets">One per column.</param>
    public PackedMatrix(int rows, int columns, int bits, byte[] codes, float[] scales, float[] offsets)
        : this(rows, columns, bits, columns, codes, PackedOffset.Number)
    {
        if (scales.Length != columns || offsets.Length != columns)
            throw new ArgumentException($"{columns} scales and offsets were expected, found {scales.Length} and {offsets.Length}.", nameof(scales));
        (_zeros, _offsets, _scales, _halves) = ([], [], [], []);
        var (ratio, constant) = (new float[columns], new float[columns]);
        for (int j = 0; j < columns; j++)
            if (scales[j] != 0) ratio[j] = offsets[j] / scales[j];
            else constant[j] = offsets[j];
        _columns = new(scales, ratio, constant);
    }

    private PackedMatrix(int rows, int columns, int bits, int groupSize, byte[] codes, PackedOffset offset)
    {
        if (!Knows(bits, groupSize, columns))
            throw new NotSupportedException($"There is no kernel for {bits} bits in groups of {groupSize}; there are 2, 3, 4, 8 bits in groups of 32, 64, multiples of 128, whole rows.");
        (Rows, _layout, _offset, _codes) = (rows, new PackedLayout(columns, bits, groupSize), offset, codes);
        int bytes = _layout.BytesPerRow;
        if (codes.LongLength != (long)rows * bytes)
            throw new ArgumentException($"{rows}x{columns} codes of {bits} bits do not take {codes.LongLength} bytes.", nameof(codes));
        _safeRows = rows - Math.Min(rows, bytes == 0 ? rows : (Slack + bytes - 1) / bytes);
        _lastRows = new byte[(rows - _safeRows) * bytes + Slack];
        codes.AsSpan(_safeRows * bytes).CopyTo(_lastRows);
        // Pieces of about 32 KiB, at least 16 of them, of whole cache lines of results: functions of the shape alone.
        _rowChunk = (Math.Max(1, Math.Min((32 << 10) / Math.Max(1, bytes), rows / 16)) + 15) / 16 * 16;
        (_scales, _halves, _zeros, _offsets) = ([], [], [], []);
    }

    public int Rows { get; }

    /// <summary>Whether there are kernels for a grid of these groups (or of whole rows or columns: <paramref name="groupSize"/> = columns).</summary>
    public static bool Knows(int bits, int groupSize, int columns) => PackedLayout.Knows(bits, groupSize, columns);

    /// <summary>y = W x̂, on the pool. Allocates nothing once it has met its largest matrix.</summary>
    public void Multiply(ReadOnlySpan<float> x, Span<float> y) => Multiply(x, y, &PackedDot.Multiply);

    /// <summary>The same by plain loops, bit for bit.</summary>
    internal void MultiplyScalar(ReadOnlySpan<float> x, Span<float> y) => Multiply(x, y, &PackedDotScalar.Multiply);

    private void Multiply(ReadOnlySpan<float> x, Span<float> y, delegate*<in PackedRows, ByteInput, int, float*, void> kernel)
    {
        if (x.Length != _layout.Columns || y.Length != Rows)
            throw new ArgumentException($"A {Rows}x{_layout.Columns} matrix does not take {x.Length} values to {y.Length}.", nameof(x));
        var input = t_input ??= new ByteInput();
        float shift = _columns is null ? FillByRows(input, x) : FillByColumns(input, x, _columns);
        fixed (float* target = y)
        {
            var job = new Job(this, input, (nint)target, shift, (nint)kernel);
            Threads.ForRanges((Rows + _rowChunk - 1) / _rowChunk, job, static (i, job) => job.Run(i));
        }
    }

    /// <summary>x̂, which <see cref="Multiply(ReadOnlySpan{float}, Span{float})"/> takes in the place of x.</summary>
    public void Round(ReadOnlySpan<float> x, Span<float> rounded)
    {
        var input = t_input ??= new ByteInput();
        if (_columns is null) FillByRows(input, x);
        else FillByColumns(input, x, _columns);
        for (int j = 0; j < x.Length; j++) rounded[j] = input.Value(j);
        if (_columns is null) return;
        for (int j = 0; j < x.Length; j++) rounded[j] = _columns.Scales[j] == 0 ? x[j] : rounded[j] / _columns.Scales[j];
    }

    private readonly record struct Job(PackedMatrix Matrix, ByteInput Input, nint Target, float Shift, nint Kernel)
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
            float* y = (float*)Target + first;
            Matrix.RunRows(codes, first, count, Input, y, (delegate*<in PackedRows, ByteInput, int, float*, void>)Kernel);
            if (Shift != 0) for (int i = 0; i < count; i++) y[i] += Shift;
        }
    }

    private void RunRows(byte* codes, int first, int count, ByteInput input, float* y, delegate*<in PackedRows, ByteInput, int, float*, void> kernel)
    {
        nint at = (nint)first * _layout.Groups;
        fixed (float* scales = _scales, offsets = _offsets)
        fixed (ushort* halves = _halves)
        fixed (byte* zeros = _zeros)
        {
            kernel(new PackedRows
            {
                Layout = _layout,
                Offset = _offset,
                Codes = codes,
                Scales = scales == null ? null : scales + at,
                Halves = halves == null ? null : halves + at,
                Zeros = zeros + at,
                Offsets = offsets + at,
            }, input, count, y);
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
        float shift = TensorPrimitives.Dot(x, columns.Constant) + _layout.Base * input.GroupSums[0];
        for (int j = 0; j < x.Length; j += ByteInput.Block)
        {
            float sum = 0;
            for (int k = j; k < Math.Min(j + ByteInput.Block, x.Length); k++) sum += columns.Ratio[k] * input.Codes[k];
            shift += sum * input.UnitScales[j / ByteInput.Block];
        }
        ArrayPool<float>.Shared.Return(rented);
        return shift;
    }

    private static ushort[] Halves(ReadOnlySpan<float> scales)
    {
        var halves = new ushort[scales.Length + 8];
        SmallFloat.SingleToHalf(scales, halves.AsSpan(0, scales.Length));
        return halves;
    }

    // Kernels read eight at a time.
    private static T[] Padded<T>(ReadOnlySpan<T> values)
    {
        if (values.IsEmpty) return [];
        var padded = new T[values.Length + 8];
        values.CopyTo(padded);
        return padded;
    }
}
