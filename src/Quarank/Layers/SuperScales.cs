using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>
/// Scales of two levels, as K-quants have them: those of the groups are integers of a few bits, and some columns together share a float16
/// number that says what the largest integer stands for.
/// </summary>
/// <param name="Bits">Of a group's scale (and of its offset, where the grid has numbers for offsets), 2 to 8.</param>
/// <param name="Columns">Columns of a row that share the float16 number, a multiple of the group size; 0 = the whole row.</param>
public sealed record SuperScales(int Bits = 6, int Columns = 256)
{
    /// <summary>The largest integer.</summary>
    internal int MaxCode => (1 << Bits) - 1;

    /// <summary>What integer and float16 number stand for, rounded to float16 so that packed kernels stream no more than of plain scales.</summary>
    public float ValueOf(float super, int code) => (float)(Half)MathF.ScaleB(super * code, -Bits);

    /// <summary>How many float16 numbers a row has.</summary>
    public int CountOf(int columns) => Columns == 0 ? 1 : (columns + Columns - 1) / Columns;

    /// <summary>Which of a row's float16 numbers group <paramref name="group"/> belongs to.</summary>
    internal int Of(int group, int groupSize) => Columns == 0 ? 0 : group * groupSize / Columns;
}

/// <summary>Integers of groups and the float16 numbers above them, both row by row.</summary>
/// <param name="Codes">One a group, one a byte.</param>
/// <param name="Supers">Exact in float16.</param>
public sealed record TwoLevelNumbers(byte[] Codes, float[] Supers)
{
    /// <summary>What they stand for, one a group.</summary>
    internal float[] Expanded(GridFormat format, int rows, int columns)
    {
        var super = format.Super!;
        int groups = format.GroupsOf(columns), supers = super.CountOf(columns);
        if (Codes.Length != rows * groups || Supers.Length != rows * supers)
            throw new ArgumentException($"{rows * groups} scales under {rows * supers} were expected, found {Codes.Length} under {Supers.Length}.");
        var values = new float[Codes.Length];
        for (int k = 0; k < values.Length; k++)
            values[k] = super.ValueOf(Supers[k / groups * supers + super.Of(k % groups, format.GroupSize)], Codes[k]);
        return values;
    }

    internal static TwoLevelNumbers Read(GridFormat format, StoredTensors tensors, string name, int rows, int columns)
    {
        var codes = new byte[format.ScaleCount(rows, columns)];
        BitPacking.Unpack(tensors[name].ReadBytes(), format.Super!.Bits, codes);
        return new(codes, tensors[$"{name}.super"].ReadAll());
    }

    internal void Save(GridFormat format, StoredTensors tensors, string name, int rows)
    {
        var packed = new byte[BitPacking.ByteCount(Codes.Length, format.Super!.Bits)];
        BitPacking.Pack(Codes, format.Super.Bits, packed);
        tensors.Add(name, StoredTensor.FromBytes(name, ElementType.U8, packed, packed.Length));
        string above = $"{name}.super";
        tensors.Add(above, StoredTensor.FromFloats(above, ElementType.F16, Supers, rows, Supers.Length / rows));
    }
}
