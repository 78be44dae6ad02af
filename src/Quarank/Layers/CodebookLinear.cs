using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Layers;

/// <summary>Codes of 1 to 4 bits into a table of 2^bits levels: w = scale · level[code], a scale per row, group or column.</summary>
/// <param name="Bits">Bits of a code, 1 to 4.</param>
/// <param name="GroupSize">Weights of a row (or, by columns, of a column) that share a scale; 0 = all of it.</param>
public sealed record CodebookFormat(
    int Bits, int GroupSize = 0, GridAxis Axis = GridAxis.Rows, ScaleType Scales = ScaleType.Bits16) : LinearFormat
{
    /// <summary>Where codes and scales stand: as in a symmetric grid.</summary>
    internal GridFormat Layout => new(Bits, GroupSize, GridOffset.None, Axis, Scales);

    /// <summary>Every bit a rows × columns matrix of this form takes in a file: codes, scales, and the table in float32.</summary>
    public long BitsOf(int rows, int columns) => Layout.BitsOf(rows, columns) + (32L << Bits);

    /// <summary>Refuses what cannot be stored, naming the value.</summary>
    /// <exception cref="ArgumentException">Bits outside 1–4, or a negative group size.</exception>
    public void Validate()
    {
        if (Bits is < 1 or > 4) throw new ArgumentException($"A codebook has 1 to 4 bits, not {Bits}.");
        if (GroupSize < 0) throw new ArgumentException($"A group has at least one weight (0 = all of them), not {GroupSize}.");
    }

    /// <summary>Columns of a row that share a scale, as packed kernels count them; null where they know no such codebook.</summary>
    internal int? PackedGroup(int rows, int columns)
    {
        int group = GroupSize == 0 || Axis == GridAxis.Columns ? columns : GroupSize;
        return PackedMatrix.KnowsLevels(Bits, group, columns) && (Axis == GridAxis.Rows || Layout.GroupsOf(rows) == 1) ? group : null;
    }

    public override string? WithoutKernel(int rows, int columns) => PackedGroup(rows, columns) is not null ? null :
        $"a codebook of {Bits} bits{(GroupSize == 0 ? "" : $", groups of {GroupSize}")}{(Axis == GridAxis.Columns ? " by columns" : "")}";

    public override Linear Load(StoredTensors tensors, int rows, int columns)
    {
        var codes = tensors["codes"];
        try
        {
            Validate();
            return new CodebookLinear(this, rows, columns, codes.ReadBytes(), tensors["scales"].ReadAll(), tensors["levels"].ReadAll());
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{codes.Name}: not the {rows}x{columns} codebook of {Bits} bits that config.json describes: {e.Message}", e);
        }
    }
}

/// <summary>A matrix of packed codes into a table of levels (<see cref="CodebookFormat"/>); tensors <c>codes</c>, <c>scales</c>, <c>levels</c>.</summary>
public sealed class CodebookLinear : PackedLinear
{
    private readonly byte[] _codes;
    private readonly float[] _scales;
    private readonly float[] _levels;

    /// <summary>Wraps packed codes. Scales must be exact in the format's scale type.</summary>
    /// <param name="packed">Rows × <see cref="BitPacking.ByteCount"/>(columns) bytes.</param>
    /// <param name="scales">One per group, row by row; or by columns one per column for each group of rows.</param>
    /// <param name="levels">What the codes 0 … 2^bits − 1 stand for.</param>
    public CodebookLinear(CodebookFormat format, int rows, int columns, byte[] packed, float[] scales, float[] levels) : base(rows, columns)
    {
        format.Validate();
        if (packed.LongLength != (long)rows * BitPacking.ByteCount(columns, format.Bits))
            throw new ArgumentException($"{rows}x{columns} codes of {format.Bits} bits do not take {packed.LongLength} bytes.", nameof(packed));
        if (scales.Length != format.Layout.ScaleCount(rows, columns))
            throw new ArgumentException($"{format.Layout.ScaleCount(rows, columns)} scales were expected, found {scales.Length}.", nameof(scales));
        if (levels.Length != 1 << format.Bits)
            throw new ArgumentException($"A table of {1 << format.Bits} levels was expected, found {levels.Length}.", nameof(levels));
        (Format, _codes, _scales, _levels) = (format, packed, scales, levels);
        if (format.PackedGroup(rows, columns) is { } group)
        {
            Packed = format.Axis == GridAxis.Columns
                ? PackedMatrix.OfLevels(rows, columns, format.Bits, packed, scales, levels)
                : PackedMatrix.OfLevels(rows, columns, format.Bits, group, packed, scales, format.Scales == ScaleType.Bits16, levels);
        }
        Kernel = format.Axis == GridAxis.Columns ? ApplyByColumns : ApplyByRows;
    }

    public override CodebookFormat Format { get; }
    public override long Bits => Format.BitsOf(Rows, Columns);

    internal float[] Scales => _scales;

    internal float[] Levels => _levels;

    /// <summary>All codes, a byte each, row by row.</summary>
    internal byte[] Codes()
    {
        var codes = new byte[checked(Rows * Columns)];
        int bytes = BitPacking.ByteCount(Columns, Format.Bits);
        for (int i = 0; i < Rows; i++) BitPacking.Unpack(_codes.AsSpan(i * bytes, bytes), Format.Bits, codes.AsSpan(i * Columns, Columns));
        return codes;
    }

    /// <summary>The same codes with other numbers.</summary>
    internal CodebookLinear With(float[] scales, float[] levels) => new(Format, Rows, Columns, _codes, scales, levels);

    private int GroupsOfRow => Format.Layout.GroupsOf(Columns);

    public override void Save(StoredTensors tensors)
    {
        var numbers = Format.Scales == ScaleType.Bits16 ? ElementType.F16 : ElementType.F32;
        tensors.Add("codes", StoredTensor.FromBytes("codes", ElementType.U8, _codes, Rows, BitPacking.ByteCount(Columns, Format.Bits)));
        tensors.Add("scales", StoredTensor.FromFloats("scales", numbers, _scales, Format.Layout.ScaleShape(Rows, Columns)));
        tensors.Add("levels", StoredTensor.FromValues("levels", _levels, _levels.Length));
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        for (int i = 0; i < count; i++)
        {
            var row = rows.Slice(i * Columns, Columns);
            LookUp(first + i, row);
            if (Format.Axis == GridAxis.Columns)
            {
                TensorPrimitives.Multiply(row, ScalesOfRow(first + i), row);
                continue;
            }
            for (int g = 0; g < GroupsOfRow; g++)
            {
                var group = Group(row, g);
                TensorPrimitives.Multiply(group, _scales[(first + i) * GroupsOfRow + g], group);
            }
        }
    }

    private void ApplyByRows(int first, ReadOnlySpan<float> x, Span<float> y)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(Columns);
        var levels = rented.AsSpan(0, Columns);
        for (int i = 0; i < y.Length; i++)
        {
            LookUp(first + i, levels);
            float sum = 0;
            for (int g = 0; g < GroupsOfRow; g++)
                sum += _scales[(first + i) * GroupsOfRow + g] * TensorPrimitives.Dot(Group(levels, g), x.Slice(g * GroupSize, Group(levels, g).Length));
            y[i] = sum;
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    // The scales of a column go to the input: Σ (s_k·l_k)·x_k = Σ l_k·(s_k·x_k).
    private void ApplyByColumns(int first, ReadOnlySpan<float> x, Span<float> y)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(2 * Columns);
        var levels = rented.AsSpan(0, Columns);
        var scaled = rented.AsSpan(Columns, Columns);
        for (int i = 0; i < y.Length; i++)
        {
            if (i == 0 || Format.Layout.BeginsRowGroup(first + i)) TensorPrimitives.Multiply(x, ScalesOfRow(first + i), scaled);
            LookUp(first + i, levels);
            y[i] = TensorPrimitives.Dot<float>(levels, scaled);
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    private int GroupSize => Format.GroupSize == 0 ? Columns : Format.GroupSize;

    private Span<float> Group(Span<float> row, int g) => row[(g * GroupSize)..Math.Min((g + 1) * GroupSize, Columns)];

    private ReadOnlySpan<float> ScalesOfRow(int i) => _scales.AsSpan(Format.Layout.RowGroup(i) * Columns, Columns);

    private void LookUp(int i, Span<float> levels)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(Columns);
        var codes = rented.AsSpan(0, Columns);
        int bytes = BitPacking.ByteCount(Columns, Format.Bits);
        BitPacking.Unpack(_codes.AsSpan(i * bytes, bytes), Format.Bits, codes);
        for (int j = 0; j < codes.Length; j++) levels[j] = _levels[codes[j]];
        ArrayPool<byte>.Shared.Return(rented);
    }
}
