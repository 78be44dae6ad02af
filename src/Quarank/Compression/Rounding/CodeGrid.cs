using System.Text.Json.Serialization;
using Quarank.Layers;

namespace Quarank.Compression.Rounding;

/// <summary>What the codes of a vector stand for.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CodeLevels>))]
public enum CodeLevels
{
    /// <summary>Even steps from an offset that is stored like the scale: LoRDQ's Eq. 21.</summary>
    [JsonStringEnumMemberName("offset")] Offset,

    /// <summary>Even steps with an integer zero-point of as many bits as a code.</summary>
    [JsonStringEnumMemberName("zeroPoint")] ZeroPoint,

    /// <summary>Even steps around zero; nothing is stored but the scale.</summary>
    [JsonStringEnumMemberName("symmetric")] Symmetric,

    /// <summary>A table of the 2^bits levels that suit a normal variable best (1 to 4 bits); nothing is stored but the scale.</summary>
    [JsonStringEnumMemberName("normal")] Normal,
}

/// <summary>How vectors are rounded: where codes and scales stand, how a range is found, and for codes of a table its levels.</summary>
internal sealed record CodeGrid(GridFormat Layout, GridRange Range, CodeTable? Table = null)
{
    /// <exception cref="ArgumentException">These bits and levels do not go together.</exception>
    public static CodeGrid Of(int bits, int groupSize, CodeLevels levels, GridRange range, ScaleType scales)
    {
        if (range.NeedsGram() || (range == GridRange.HalfQuadratic && levels != CodeLevels.Offset))
            throw new ArgumentException($"Vectors of {levels} levels take the ranges minMax and clip, those of offsets also halfQuadratic.");
        if (levels == CodeLevels.Normal)
        {
            var table = CodeTable.Normal(bits);
            var codebook = new CodebookFormat(bits, groupSize, GridAxis.Rows, scales);
            codebook.Validate();
            return new(codebook.Layout, range, table);
        }
        var offset = levels switch
        {
            CodeLevels.Offset => GridOffset.Number,
            CodeLevels.ZeroPoint => GridOffset.ZeroPoint,
            _ => GridOffset.None,
        };
        var layout = new GridFormat(bits, groupSize, offset, GridAxis.Rows, scales);
        layout.Validate();
        return new(layout, range);
    }

    /// <summary>The same with vectors as columns.</summary>
    public CodeGrid ByColumns() => this with { Layout = Layout with { Axis = GridAxis.Columns } };

    public ScalarGrid Fit(ReadOnlySpan<double> values) => ScalarGrid.Fit(Layout, Range, values, Table);

    /// <summary>Every bit a rows × columns matrix takes.</summary>
    public long BitsOf(int rows, int columns) =>
        Layout.BitsOf(rows, columns) + (Table is null ? 0 : 32L << Layout.Bits);

    /// <summary>The stored layer of packed codes.</summary>
    /// <param name="super">What found the grids, where their scales have two levels.</param>
    public Linear ToLinear(int rows, int columns, byte[] packed, ScalarGrid[] grids, SuperFit? super)
    {
        if (super is not null)
        {
            var (numbers, minima) = super.Numbers(grids);
            return new GridLinear(Layout, rows, columns, packed, numbers, Layout.Offset == GridOffset.ZeroPoint ? [.. grids.Select(g => (byte)g.Zero)] : [], minima);
        }
        float[] scales = [.. grids.Select(g => (float)g.Scale)];
        if (Table is not null)
            return new CodebookLinear(new(Layout.Bits, Layout.GroupSize, Layout.Axis, Layout.Scales), rows, columns, packed, scales, Table.Levels.ToArray());
        byte[] zeros = Layout.Offset == GridOffset.ZeroPoint ? [.. grids.Select(g => (byte)g.Zero)] : [];
        float[] offsets = Layout.Offset == GridOffset.Number ? [.. grids.Select(g => (float)g.Offset)] : [];
        return new GridLinear(Layout, rows, columns, packed, scales, zeros, offsets);
    }
}
