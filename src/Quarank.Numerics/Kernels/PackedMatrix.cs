using System.Buffers;
using System.Numerics.Tensors;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// A packed matrix W ready for products: of one token with its input in signed bytes (<see cref="Multiply(ReadOnlySpan{float}, Span{float})"/>)
/// or in floats (<see cref="MultiplyFloat"/>), of many tokens with its rows widened to floats
/// (<see cref="Multiply(Matrix{float}, Matrix{float})"/>).
/// </summary>
/// <remarks>
/// W = scale · code + offset, or scale · level[code], per group of a row. The offsets meet the same x̂ as the codes, so that what cancels
/// between them still cancels. A matrix by columns (W = code · diag(scale) + 1 offsetᵀ) moves its scales into the input before that is rounded.
/// </remarks>
public sealed unsafe partial class PackedMatrix
{
    /// <summary>Bytes that kernels may read behind a row.</summary>
    private const int Slack = 32;

    private readonly PackedLayout _layout;
    private readonly byte[] _codes;
    private readonly bool _triples;          // codes are in the order of PackedTriples
    private readonly byte[] _lastRows;       // those behind which there are too few bytes, with enough of them
    private readonly int _safeRows, _rowChunk;
    private readonly float[] _scales;        // per group, row by row, with eight more; empty when they are halves, or by columns
    private readonly ushort[] _halves;
    private readonly byte[] _zeros;
    private readonly float[] _offsets;
    private readonly PackedOffset _offset;
    private readonly Columns? _columns;
    private readonly Table? _table;

    /// <summary>A scale and an offset per column; Ratio = offset / scale, or 0 (and Constant = offset) where the scale is 0.</summary>
    private sealed record Columns(float[] Scales, float[] Offsets, float[] Ratio, float[] Constant);

    /// <summary>Sixteen levels, and each as step · (64 · high + low − 2048).</summary>
    private sealed record Table(float[] Levels, byte[] High, byte[] Low, float Step);

    /// <summary>A grid by rows, or by groups of rows.</summary>
    /// <param name="groupSize">Columns that share a scale; <paramref name="columns"/> for whole rows.</param>
    /// <param name="codes">rows × <see cref="BitPacking.ByteCount"/> bytes; not copied, but of three bits kept in another order (<see cref="KeepsCodes"/>).</param>
    /// <param name="scales">One per group, row by row.</param>
    /// <param name="halfScales">Whether every scale is exact in float16, and may be kept so.</param>
    /// <param name="zeros">One per scale for <see cref="PackedOffset.ZeroPoint"/>, else empty.</param>
    /// <param name="offsets">One per scale for <see cref="PackedOffset.Number"/>, else empty.</param>
    public PackedMatrix(
        int rows, int columns, int bits, int groupSize, byte[] codes, ReadOnlySpan<float> scales, bool halfScales, PackedOffset offset, byte[] zeros, float[] offsets)
        : this(rows, columns, bits, groupSize, codes, scales, halfScales, offset, zeros, offsets, bits == 3) { }

    private PackedMatrix(
        int rows, int columns, int bits, int groupSize, byte[] codes, ReadOnlySpan<float> scales, bool halfScales, PackedOffset offset, byte[] zeros, float[] offsets,
        bool triples) : this(rows, columns, bits, groupSize, codes, offset, triples)
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
    /// <param name="codes">As by rows.</param>
    /// <param name="scales">One per column.</param>
    /// <param name="offsets">One per column.</param>
    public PackedMatrix(int rows, int columns, int bits, byte[] codes, float[] scales, float[] offsets)
        : this(rows, columns, bits, codes, scales, offsets, bits == 3) { }

    private PackedMatrix(int rows, int columns, int bits, byte[] codes, float[] scales, float[] offsets, bool triples)
        : this(rows, columns, bits, columns, codes, PackedOffset.Number, triples)
    {
        if (scales.Length != columns || offsets.Length != columns)
            throw new ArgumentException($"{columns} scales and offsets were expected, found {scales.Length} and {offsets.Length}.", nameof(scales));
        (_zeros, _offsets, _scales, _halves) = ([], [], [], []);
        var (ratio, constant) = (new float[columns], new float[columns]);
        for (int j = 0; j < columns; j++)
            if (scales[j] != 0) ratio[j] = offsets[j] / scales[j];
            else constant[j] = offsets[j];
        _columns = new(scales, offsets, ratio, constant);
    }

    // A codebook by rows or groups of rows.
    private PackedMatrix(int rows, int columns, int bits, int groupSize, byte[] codes, ReadOnlySpan<float> scales, bool halfScales, float[] levels)
        : this(rows, columns, bits, groupSize, codes, scales, halfScales, PackedOffset.Middle, [], [], triples: false) => _table = TableOf(levels, bits);

    // A codebook by columns.
    private PackedMatrix(int rows, int columns, int bits, byte[] codes, float[] scales, float[] levels, Table? table)
        : this(rows, columns, bits, codes, scales, new float[columns], triples: false) => _table = table ?? TableOf(levels, bits);

    /// <summary>A codebook by rows, or by groups of rows: w = scale · levels[code], codes of 1 to 4 bits.</summary>
    /// <param name="groupSize">Columns that share a scale; <paramref name="columns"/> for whole rows.</param>
    /// <param name="codes">rows × <see cref="BitPacking.ByteCount"/> bytes; not copied.</param>
    /// <param name="scales">One per group, row by row.</param>
    /// <param name="halfScales">Whether every scale is exact in float16, and may be kept so.</param>
    /// <param name="levels">2^bits of them. With the input in bytes they are rounded to 1/4094 of the largest magnitude.</param>
    public static PackedMatrix OfLevels(
        int rows, int columns, int bits, int groupSize, byte[] codes, ReadOnlySpan<float> scales, bool halfScales, float[] levels) =>
        new(rows, columns, bits, groupSize, codes, scales, halfScales, levels);

    /// <summary>A codebook by columns: w = scale of the column · levels[code].</summary>
    /// <inheritdoc cref="OfLevels(int, int, int, int, byte[], ReadOnlySpan{float}, bool, float[])"/>
    public static PackedMatrix OfLevels(int rows, int columns, int bits, byte[] codes, float[] scales, float[] levels) =>
        new(rows, columns, bits, codes, scales, levels, null);

    private static Table TableOf(float[] levels, int bits)
    {
        if (bits > 4 || levels.Length != 1 << bits)
            throw new ArgumentException($"A codebook of {bits} bits has {1 << bits} levels (and at most 4 bits), not {levels.Length}.", nameof(levels));
        float most = 0;
        foreach (float level in levels)
            most = float.IsFinite(level) ? Math.Max(most, Math.Abs(level)) : throw new ArgumentException($"A level of {level}.", nameof(levels));
        var table = new Table(new float[16], new byte[16], new byte[16], most / 2047);
        for (int i = 0; i < levels.Length; i++)
        {
            int whole = 2048 + (int)MathF.Round(most == 0 ? 0 : (float)(2047.0 * levels[i] / most));
            (table.Levels[i], table.High[i], table.Low[i]) = (levels[i], (byte)(whole >> 6), (byte)(whole & 63));
        }
        return table;
    }

    private PackedMatrix(int rows, int columns, int bits, int groupSize, byte[] codes, PackedOffset offset, bool triples)
    {
        if (bits != 1 && !Knows(bits, groupSize, columns))
            throw new NotSupportedException($"There is no kernel for {bits} bits in groups of {groupSize}; there are 2, 3, 4, 8 bits (and codebooks of 1 to 4) in groups of 32, 64, multiples of 128, whole rows.");
        (Rows, _layout, _offset) = (rows, new PackedLayout(columns, bits, groupSize), offset);
        int bytes = _layout.BytesPerRow;
        if (codes.LongLength != (long)rows * bytes)
            throw new ArgumentException($"{rows}x{columns} codes of {bits} bits do not take {codes.LongLength} bytes.", nameof(codes));
        _triples = triples && _layout.Triples > 0;
        _codes = codes = _triples ? PackedTriples.FromPlanes(codes, rows, _layout) : codes;
        _safeRows = rows - Math.Min(rows, bytes == 0 ? rows : (Slack + bytes - 1) / bytes);
        _lastRows = new byte[(rows - _safeRows) * bytes + Slack];
        codes.AsSpan(_safeRows * bytes).CopyTo(_lastRows);
        // Pieces of about 32 KiB, at least 16 of them, of whole cache lines of results: functions of the shape alone.
        _rowChunk = (Math.Max(1, Math.Min((32 << 10) / Math.Max(1, bytes), rows / 16)) + 15) / 16 * 16;
        (_scales, _halves, _zeros, _offsets) = ([], [], [], []);
    }

    public int Rows { get; }

    /// <summary>Input features.</summary>
    public int InputSize => _layout.Columns;

    /// <summary>Whether it reads the codes it was given where they are; false where it has them in an order of its own, and nobody else need keep them.</summary>
    public bool KeepsCodes => !_triples;

    /// <summary>The packed codes it was given, for who stores them; a copy, unless <see cref="KeepsCodes"/>.</summary>
    public byte[] PackedBytes() => _triples ? PackedTriples.ToPlanes(_codes, Rows, _layout) : _codes;

    /// <summary>False where it has all scales in 16 bits, and <see cref="Scales"/> gives them back.</summary>
    public bool KeepsScales => _halves.Length == 0;

    /// <summary>The scales it was given, one per group, row by row; by rows only.</summary>
    public float[] Scales()
    {
        var scales = new float[Rows * _layout.Groups];
        if (_halves.Length > 0) SmallFloat.HalfToSingle(_halves.AsSpan(0, scales.Length), scales);
        else _scales.AsSpan(0, scales.Length).CopyTo(scales);
        return scales;
    }

    /// <summary>The codes of row <paramref name="row"/>, one a byte.</summary>
    public void UnpackRow(int row, Span<byte> codes)
    {
        int bytes = _layout.BytesPerRow;
        var packed = _codes.AsSpan(row * bytes, bytes);
        byte[]? rented = _triples ? ArrayPool<byte>.Shared.Rent(bytes) : null;
        if (rented is not null)
        {
            fixed (byte* from = packed, to = rented) PackedTriples.ToPlanes(from, to, _layout);
            packed = rented.AsSpan(0, bytes);
        }
        BitPacking.Unpack(packed, _layout.Bits, codes);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>Whether there are kernels for a codebook of these groups.</summary>
    public static bool KnowsLevels(int bits, int groupSize, int columns) => bits is >= 1 and <= 4 && PackedLayout.Knows(4, groupSize, columns);

    /// <summary>Whether there are kernels for a grid of these groups (or of whole rows or columns: <paramref name="groupSize"/> = columns).</summary>
    public static bool Knows(int bits, int groupSize, int columns) => PackedLayout.Knows(bits, groupSize, columns);

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
