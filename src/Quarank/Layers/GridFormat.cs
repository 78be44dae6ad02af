using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Layers;

/// <summary>What stands beside the scale of a grid.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GridOffset>))]
public enum GridOffset
{
    /// <summary>Nothing: w = scale · (code − 2^(bits − 1)).</summary>
    [JsonStringEnumMemberName("none")] None,

    /// <summary>An integer of as many bits as a code: w = scale · (code − zero).</summary>
    [JsonStringEnumMemberName("zeroPoint")] ZeroPoint,

    /// <summary>A number stored like the scale: w = scale · code + offset.</summary>
    [JsonStringEnumMemberName("number")] Number,
}

/// <summary>Along which vectors of the matrix a grid runs.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GridAxis>))]
public enum GridAxis
{
    /// <summary>A scale per row, or per group of a row.</summary>
    [JsonStringEnumMemberName("rows")] Rows,

    /// <summary>A scale per column, or per group of a column.</summary>
    [JsonStringEnumMemberName("columns")] Columns,
}

/// <summary>How a scale is stored.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ScaleType>))]
public enum ScaleType
{
    /// <summary>16 bits: relative steps of 1/2,048.</summary>
    [JsonStringEnumMemberName("float16")] Bits16,

    /// <summary>32 bits.</summary>
    [JsonStringEnumMemberName("float32")] Bits32,
}

/// <summary>A uniform grid of 2 to 8 bits: one scale and one zero-point per row, group of a row, or column.</summary>
/// <param name="Bits">Bits of a code, 2 to 8.</param>
/// <param name="GroupSize">Columns of a row (or, by <see cref="GridAxis.Columns"/>, rows of a column) that share a scale; 0 = all of them.</param>
public sealed record GridFormat(
    int Bits,
    int GroupSize = 0,
    GridOffset Offset = GridOffset.ZeroPoint,
    GridAxis Axis = GridAxis.Rows,
    ScaleType Scales = ScaleType.Bits16) : LinearFormat
{
    /// <summary>Scales of two levels; null for one float a group.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SuperScales? Super { get; init; }

    /// <summary>The largest code.</summary>
    [JsonIgnore] public int MaxCode => (1 << Bits) - 1;

    /// <summary>How many groups share out a vector (a row, or by columns a column) of this length.</summary>
    public int GroupsOf(int length) => GroupSize == 0 ? 1 : (length + GroupSize - 1) / GroupSize;

    /// <summary>How many scales a rows × columns matrix has in all.</summary>
    public int ScaleCount(int rows, int columns) => Axis == GridAxis.Columns ? checked(columns * GroupsOf(rows)) : checked(rows * GroupsOf(columns));

    /// <summary>The shape scales are stored in: [rows, groups]; by columns [columns], or [groups, columns].</summary>
    internal long[] ScaleShape(int rows, int columns) =>
        Axis == GridAxis.Rows ? [rows, GroupsOf(columns)] : GroupSize == 0 ? [columns] : [GroupsOf(rows), columns];

    /// <summary>By columns: which group of the columns row i lies in.</summary>
    internal int RowGroup(int i) => GroupSize == 0 ? 0 : i / GroupSize;

    /// <summary>By columns: whether row i is the first of its group.</summary>
    internal bool BeginsRowGroup(int i) => GroupSize == 0 ? i == 0 : i % GroupSize == 0;

    /// <summary>Every bit a rows × columns matrix of this form takes in a file.</summary>
    public long BitsOf(int rows, int columns)
    {
        int scales = ScaleCount(rows, columns);
        long scaleBits = Super is { } super ? 8L * BitPacking.ByteCount(scales, super.Bits) + 16L * rows * super.CountOf(columns)
            : (long)scales * (Scales == ScaleType.Bits16 ? 16 : 32);
        long offsetBits = Offset switch
        {
            GridOffset.None => 0,
            GridOffset.ZeroPoint => 8L * BitPacking.ByteCount(scales, Bits),
            _ => scaleBits,
        };
        return 8L * rows * BitPacking.ByteCount(columns, Bits) + scaleBits + offsetBits;
    }

    /// <summary>Refuses what cannot be stored, naming the value.</summary>
    /// <exception cref="ArgumentException">Bits outside 2–8, a negative group size, or two levels of scales that do not fit the groups.</exception>
    public void Validate()
    {
        if (Bits is < 2 or > 8) throw new ArgumentException($"A grid has 2 to 8 bits, not {Bits}.");
        if (GroupSize < 0) throw new ArgumentException($"A group has at least one column (0 = the whole row), not {GroupSize}.");
        if (Super is null) return;
        if (Super.Bits is < 2 or > 8) throw new ArgumentException($"Scales of two levels have 2 to 8 bits, not {Super.Bits}.");
        if (GroupSize == 0 || Axis != GridAxis.Rows || Scales != ScaleType.Bits16)
            throw new ArgumentException("Scales of two levels are for groups of rows, under float16 numbers.");
        if (Super.Columns < 0 || Super.Columns % GroupSize != 0)
            throw new ArgumentException($"{Super.Columns} columns under one number are not whole groups of {GroupSize}.");
    }

    /// <summary>Columns of a row that share a scale, as packed kernels count them; null where they know no such grid.</summary>
    internal int? PackedGroup(int rows, int columns)
    {
        int group = GroupSize == 0 || Axis == GridAxis.Columns ? columns : GroupSize;
        return PackedMatrix.Knows(Bits, group, columns) && (Axis == GridAxis.Rows || GroupsOf(rows) == 1) ? group : null;
    }

    /// <summary>Columns that share a scale (0: a row's), as integer kernels count them; null where they know no such grid.</summary>
    internal int? IntegerGroup(int columns) =>
        Axis == GridAxis.Rows && Offset != GridOffset.Number && IntegerMatrix.Knows(Bits, GroupSize, columns) ? GroupSize : null;

    public override string? WithoutKernel(int rows, int columns) => PackedGroup(rows, columns) is null
        ? $"a grid of {Bits} bits{(GroupSize == 0 ? "" : $", groups of {GroupSize}")}{(Axis == GridAxis.Columns ? " by columns" : "")}" : null;

    public override Linear Load(StoredTensors tensors, int rows, int columns) => GridLinear.Load(this, tensors, rows, columns);
}
