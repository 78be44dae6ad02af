using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>The codes and grids of a matrix while a method finds them; <see cref="ToLinear"/> packs them.</summary>
internal sealed class GridCodes(CodeGrid grid, int rows, int columns)
{
    private readonly byte[] _codes = new byte[checked(rows * columns)];
    private readonly ScalarGrid[] _grids = new ScalarGrid[grid.Layout.ScaleCount(rows, columns)];
    private readonly SuperFit? _super = grid.Layout.Super is null ? null : new(grid, rows, columns);

    public GridCodes(GridFormat format, GridRange range, int rows, int columns) : this(new CodeGrid(format, range), rows, columns) { }

    /// <summary>Grids found beforehand, row by row, in the place of those that would be fitted.</summary>
    public ScalarGrid[]? Given { get; init; }

    /// <summary>Those that were kept, row by row.</summary>
    public ScalarGrid[] Grids => _grids;

    public CodeGrid Grid => grid;
    public int Rows => rows;
    public int Columns => columns;

    /// <summary>The codes of row i, one a byte.</summary>
    public Span<byte> Row(int i) => _codes.AsSpan(i * columns, columns);

    /// <summary>Keeps grid number <paramref name="k"/>, counted row by row.</summary>
    public void SetGrid(int k, ScalarGrid scalar) => _grids[k] = scalar;

    /// <summary>Told of row i as it came, before any of its grids is fitted.</summary>
    public void Begin(int i, ReadOnlySpan<double> row) => _super?.Begin(i, row);

    /// <summary>Whether <see cref="Begin"/> must be told of rows.</summary>
    public bool LooksAtRows => _super is not null;

    /// <summary>The grid of a group of row i that holds these values.</summary>
    public ScalarGrid Fit(int i, int group, ReadOnlySpan<double> values) =>
        Given is not null ? Given[i * grid.Layout.GroupsOf(columns) + group] : _super is not null ? _super.Fit(i, group, values) : grid.Fit(values);

    /// <summary>Rounds row i, each of its groups on a grid fitted to it. For grids along rows.</summary>
    public void RoundRow(int i, ReadOnlySpan<double> values)
    {
        Begin(i, values);
        int groups = grid.Layout.GroupsOf(columns), size = GroupSize;
        var codes = Row(i);
        for (int g = 0; g < groups; g++)
        {
            int start = g * size, end = Math.Min(start + size, columns);
            var fitted = Fit(i, g, values[start..end]);
            SetGrid(i * groups + g, fitted);
            for (int j = start; j < end; j++) codes[j] = (byte)fitted.Code(values[j]);
        }
    }

    /// <summary>What the codes of row i stand for. For grids along rows.</summary>
    public void Decode(int i, Span<double> values)
    {
        int groups = grid.Layout.GroupsOf(columns), size = GroupSize;
        var codes = Row(i);
        for (int j = 0; j < columns; j++) values[j] = _grids[i * groups + j / size].Value(codes[j]);
    }

    public Linear ToLinear()
    {
        int bits = grid.Layout.Bits, bytes = BitPacking.ByteCount(columns, bits);
        var packed = new byte[checked(rows * bytes)];
        Threads.For(rows, i => BitPacking.Pack(Row(i), bits, packed.AsSpan(i * bytes, bytes)));
        return grid.ToLinear(rows, columns, packed, _grids, _super);
    }

    /// <summary>The rows of all parts, one after the other. Their grids are alike and run along rows.</summary>
    public static GridCodes Stack(IReadOnlyList<GridCodes> parts)
    {
        var all = new GridCodes(parts[0].Grid, parts.Sum(p => p.Rows), parts[0].Columns);
        int row = 0, scale = 0;
        foreach (var part in parts)
        {
            part._codes.CopyTo(all._codes, row * all.Columns);
            part._grids.CopyTo(all._grids, scale);
            (row, scale) = (row + part.Rows, scale + part._grids.Length);
        }
        return all;
    }

    /// <summary>Rows with their grids become columns with theirs.</summary>
    public GridCodes Transposed()
    {
        var turned = new GridCodes(grid.ByColumns(), columns, rows);
        int groups = grid.Layout.GroupsOf(columns);
        for (int i = 0; i < rows; i++)
        {
            for (int g = 0; g < groups; g++) turned._grids[g * rows + i] = _grids[i * groups + g];
            for (int j = 0; j < columns; j++) turned._codes[j * rows + i] = _codes[i * columns + j];
        }
        return turned;
    }

    private int GroupSize => grid.Layout.GroupSize == 0 ? columns : grid.Layout.GroupSize;
}
