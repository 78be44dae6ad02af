using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Layers;

/// <summary>
/// A matrix of packed codes on a uniform grid (<see cref="GridFormat"/>); tensors <c>codes</c>, <c>scales</c>, and <c>zeros</c> or <c>offsets</c>.
/// Scales of two levels are stored as such (<c>scales</c> and <c>scales.super</c>) and expanded in memory to one float16 a group.
/// </summary>
public sealed class GridLinear : PackedLinear
{
    private readonly byte[]? _codes;        // null where the kernels have them in an order of their own
    private readonly float[]? _scales;      // null where the kernels have them as they are stored, in 16 bits
    private readonly byte[] _zeros;         // integer zero-points, one a scale
    private readonly float[] _offsets;      // what a code of 0 stands for, one a scale; of numbers only, where the kernels have the scales
    private readonly TwoLevelNumbers? _twoLevels, _twoLevelOffsets;

    /// <summary>Wraps packed codes. Scales (and offsets) must be exact in the format's scale type.</summary>
    /// <param name="packed">Rows × <see cref="BitPacking.ByteCount"/>(columns) bytes.</param>
    /// <param name="scales">One per group, row by row; or by columns one per column for each group of rows.</param>
    /// <param name="zeros">One per scale when the format has zero-points, else empty.</param>
    /// <param name="offsets">One per scale when the format has number offsets, else empty.</param>
    public GridLinear(GridFormat format, int rows, int columns, byte[] packed, float[] scales, byte[] zeros, float[] offsets) : base(rows, columns)
    {
        format.Validate();
        int count = format.ScaleCount(rows, columns);
        if (packed.LongLength != (long)rows * BitPacking.ByteCount(columns, format.Bits))
            throw new ArgumentException($"{rows}x{columns} codes of {format.Bits} bits do not take {packed.LongLength} bytes.", nameof(packed));
        if (scales.Length != count || zeros.Length != (format.Offset == GridOffset.ZeroPoint ? count : 0) ||
            offsets.Length != (format.Offset == GridOffset.Number ? count : 0))
            throw new ArgumentException($"{count} scales were expected, found {scales.Length} with {zeros.Length} zero-points and {offsets.Length} offsets.", nameof(scales));

        (Format, _scales, _zeros, _offsets) = (format, scales, zeros, offsets);
        if (format.Offset != GridOffset.Number)
        {
            _offsets = new float[count];
            for (int g = 0; g < count; g++)
                _offsets[g] = -scales[g] * (format.Offset == GridOffset.None ? 1 << (format.Bits - 1) : zeros[g]);
        }
        Packed = View(format, rows, columns, packed, scales, zeros, _offsets);
        _codes = Packed is { KeepsCodes: false } ? null : packed;
        Kernel = format.Axis == GridAxis.Columns ? ApplyByColumns : ApplyByRows;
        if (Packed is not { KeepsScales: false }) return;
        _scales = null;
        if (format.Offset != GridOffset.Number) _offsets = [];
    }

    /// <summary>As the other constructor, with scales (and number offsets, which are never above zero) of two levels.</summary>
    /// <param name="offsets">Magnitudes; null unless the format has number offsets.</param>
    public GridLinear(GridFormat format, int rows, int columns, byte[] packed, TwoLevelNumbers scales, byte[] zeros, TwoLevelNumbers? offsets)
        : this(format, rows, columns, packed, scales.Expanded(format, rows, columns), zeros, Negative(offsets?.Expanded(format, rows, columns))) =>
        (_twoLevels, _twoLevelOffsets) = (scales, offsets);

    /// <summary>A view of the same codes for inputs that are integers too; null where no kernel knows the grid.</summary>
    internal IntegerMatrix? Integers() => Format.IntegerGroup(Columns) is { } group
        ? new(Rows, Columns, Format.Bits, group, Codes, Scales, _zeros) : null;

    internal float[] Scales => _scales ?? Packed!.Scales();

    /// <summary>Of formats with number offsets.</summary>
    internal float[] Offsets => _offsets;

    internal TwoLevelNumbers? TwoLevels => _twoLevels;

    internal TwoLevelNumbers? TwoLevelOffsets => _twoLevelOffsets;

    /// <summary>What scales multiply: codes less their zero-points, the middle code, or nothing where offsets are numbers.</summary>
    internal Matrix<float> Units()
    {
        int count = Format.ScaleCount(Rows, Columns);
        float[] offsets = Format.Offset == GridOffset.Number ? new float[count]
            : Array.ConvertAll(Format.Offset == GridOffset.ZeroPoint ? _zeros : Enumerable.Repeat((byte)(1 << (Format.Bits - 1)), count).ToArray(), z => -(float)z);
        float[] ones = new float[count];
        Array.Fill(ones, 1);
        return new GridLinear(Format with { Super = null, Offset = GridOffset.Number }, Rows, Columns, Codes, ones, [], offsets).ToDense();
    }

    /// <summary>The same codes (and zero-points) with other numbers.</summary>
    /// <param name="offsets">Empty unless the format has number offsets.</param>
    internal GridLinear With(float[] scales, float[] offsets) => new(Format, Rows, Columns, Codes, scales, _zeros, offsets);

    /// <inheritdoc cref="With(float[], float[])"/>
    internal GridLinear With(TwoLevelNumbers scales, TwoLevelNumbers? offsets) => new(Format, Rows, Columns, Codes, scales, _zeros, offsets);

    public override GridFormat Format { get; }
    public override long Bits => Format.BitsOf(Rows, Columns);

    /// <summary>As the file has them.</summary>
    private byte[] Codes => _codes ?? Packed!.PackedBytes();

    private int BytesPerRow => BitPacking.ByteCount(Columns, Format.Bits);

    public override void Save(StoredTensors tensors)
    {
        long[] shape = Format.ScaleShape(Rows, Columns);
        tensors.Add("codes", StoredTensor.FromBytes("codes", ElementType.U8, Codes, Rows, BytesPerRow));
        if (_twoLevels is not null)
        {
            _twoLevels.Save(Format, tensors, "scales", Rows);
            _twoLevelOffsets?.Save(Format, tensors, "offsets", Rows);
        }
        else
        {
            tensors.Add("scales", StoredTensor.FromFloats("scales", Numbers, Scales, shape));
            if (Format.Offset == GridOffset.Number) tensors.Add("offsets", StoredTensor.FromFloats("offsets", Numbers, _offsets, shape));
        }
        if (Format.Offset != GridOffset.ZeroPoint) return;

        var zeros = new byte[BitPacking.ByteCount(_zeros.Length, Format.Bits)];
        BitPacking.Pack(_zeros, Format.Bits, zeros);
        tensors.Add("zeros", StoredTensor.FromBytes("zeros", ElementType.U8, zeros, zeros.Length));
    }

    internal static GridLinear Load(GridFormat format, StoredTensors tensors, int rows, int columns)
    {
        var codes = tensors["codes"];
        try
        {
            format.Validate();
            var zeros = new byte[format.Offset == GridOffset.ZeroPoint ? format.ScaleCount(rows, columns) : 0];
            if (zeros.Length > 0) BitPacking.Unpack(tensors["zeros"].ReadBytes(), format.Bits, zeros);
            if (format.Super is not null)
                return new GridLinear(format, rows, columns, codes.ReadBytes(), TwoLevelNumbers.Read(format, tensors, "scales", rows, columns), zeros,
                    format.Offset == GridOffset.Number ? TwoLevelNumbers.Read(format, tensors, "offsets", rows, columns) : null);
            float[] offsets = format.Offset == GridOffset.Number ? tensors["offsets"].ReadAll() : [];
            return new GridLinear(format, rows, columns, codes.ReadBytes(), tensors["scales"].ReadAll(), zeros, offsets);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{codes.Name}: not the {rows}x{columns} grid of {format.Bits} bits that config.json describes: {e.Message}", e);
        }
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        if (_scales is null)
        {
            Packed!.DecodeRows(first, count, rows);
            return;
        }
        byte[] rented = ArrayPool<byte>.Shared.Rent(Columns);
        var codes = rented.AsSpan(0, Columns);
        for (int i = 0; i < count; i++)
        {
            var row = rows.Slice(i * Columns, Columns);
            UnpackRow(first + i, codes);
            if (Format.Axis == GridAxis.Columns)
            {
                GridKernels.Dequantize(codes, OfRow(_scales, first + i), OfRow(_offsets, first + i), row);
                continue;
            }
            int groups = Format.GroupsOf(Columns), size = Format.GroupSize == 0 ? Columns : Format.GroupSize;
            for (int g = 0; g < groups; g++)
            {
                int start = g * size, length = Math.Min(size, Columns - start), k = (first + i) * groups + g;
                GridKernels.Dequantize(codes.Slice(start, length), _scales[k], _offsets[k], row.Slice(start, length));
            }
        }
        ArrayPool<byte>.Shared.Return(rented);
    }

    // Σ (s·c + o)·x = s·Σ c·x + o·Σ x, and the Σ x of a group serve every row.
    private void ApplyByRows(int first, ReadOnlySpan<float> x, Span<float> y)
    {
        int groups = Format.GroupsOf(Columns), size = Format.GroupSize == 0 ? Columns : Format.GroupSize;
        byte[] rented = ArrayPool<byte>.Shared.Rent(Columns);
        float[] sums = ArrayPool<float>.Shared.Rent(groups);
        for (int g = 0; g < groups; g++) sums[g] = TensorPrimitives.Sum(x.Slice(g * size, Math.Min(size, Columns - g * size)));

        var codes = rented.AsSpan(0, Columns);
        for (int i = 0; i < y.Length; i++)
        {
            UnpackRow(first + i, codes);
            float sum = 0;
            for (int g = 0; g < groups; g++)
            {
                int start = g * size, length = Math.Min(size, Columns - start), k = (first + i) * groups + g;
                sum += _scales![k] * GridKernels.Dot(codes.Slice(start, length), x.Slice(start, length)) + _offsets[k] * sums[g];
            }
            y[i] = sum;
        }
        ArrayPool<float>.Shared.Return(sums);
        ArrayPool<byte>.Shared.Return(rented);
    }

    // Σ (s_k·c_k + o_k)·x_k = Σ c_k·(s_k·x_k) + Σ o_k·x_k: the scales move to the input.
    private void ApplyByColumns(int first, ReadOnlySpan<float> x, Span<float> y)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(Columns);
        float[] rentedScaled = ArrayPool<float>.Shared.Rent(Columns);
        var codes = rented.AsSpan(0, Columns);
        var scaled = rentedScaled.AsSpan(0, Columns);
        float offset = 0;
        for (int i = 0; i < y.Length; i++)
        {
            if (i == 0 || Format.BeginsRowGroup(first + i))
            {
                TensorPrimitives.Multiply(x, OfRow(_scales!, first + i), scaled);
                offset = TensorPrimitives.Dot(x, OfRow(_offsets, first + i));
            }
            UnpackRow(first + i, codes);
            y[i] = GridKernels.Dot(codes, scaled) + offset;
        }
        ArrayPool<float>.Shared.Return(rentedScaled);
        ArrayPool<byte>.Shared.Return(rented);
    }

    // By columns: the numbers that hold for row i, one a column.
    private ReadOnlySpan<float> OfRow(float[] numbers, int i) => numbers.AsSpan(Format.RowGroup(i) * Columns, Columns);

    private void UnpackRow(int i, Span<byte> codes)
    {
        int bytes = BytesPerRow;
        if (_codes is null) Packed!.UnpackRow(i, codes);
        else BitPacking.Unpack(_codes.AsSpan(i * bytes, bytes), Format.Bits, codes);
    }

    private static PackedMatrix? View(GridFormat format, int rows, int columns, byte[] codes, float[] scales, byte[] zeros, float[] offsets)
    {
        if (format.PackedGroup(rows, columns) is not { } group) return null;
        if (format.Axis == GridAxis.Columns) return new PackedMatrix(rows, columns, format.Bits, codes, scales, offsets);
        var offset = format.Offset switch
        {
            GridOffset.None => PackedOffset.Middle,
            GridOffset.ZeroPoint => PackedOffset.ZeroPoint,
            _ => PackedOffset.Number,
        };
        return new PackedMatrix(rows, columns, format.Bits, group, codes, scales, format.Scales == ScaleType.Bits16, offset,
            zeros, offset == PackedOffset.Number ? offsets : []);
    }

    private static float[] Negative(float[]? magnitudes)
    {
        if (magnitudes is null) return [];
        TensorPrimitives.Negate<float>(magnitudes, magnitudes);
        return magnitudes;
    }

    private ElementType Numbers => Format.Scales == ScaleType.Bits16 ? ElementType.F16 : ElementType.F32;
}
