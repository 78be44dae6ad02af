namespace Quarank.Numerics.Kernels;

/// <summary>Columns first … end − 1 of a short stripe, all of one <see cref="PackedLayout.UnitSize">unit</see>.</summary>
internal readonly record struct PackedSegment(int First, int End, int Unit);

/// <summary>Where the codes of a packed row lie, for one shape of matrix: shared by all its rows and by the input that meets them.</summary>
internal sealed class PackedLayout
{
    /// <param name="groupSize">Columns that share a weight scale: 32, 64, any multiple of 128, or all of them.</param>
    public PackedLayout(int columns, int bits, int groupSize)
    {
        // One group for all columns may as well end where a block of activations does.
        if (groupSize >= columns) groupSize = Math.Max(1, (columns + ByteInput.Block - 1) / ByteInput.Block) * ByteInput.Block;
        (Columns, Bits, GroupSize) = (columns, bits, groupSize);
        Groups = (columns + groupSize - 1) / groupSize;
        UnitSize = Math.Min(groupSize, ByteInput.Block);
        Units = (columns + UnitSize - 1) / UnitSize;
        BytesPerRow = BitPacking.ByteCount(columns, bits);
        TailStart = bits == 8 ? columns / 32 * 32 : bits == 4 ? columns / 64 * 64 : bits == 1 ? columns / 256 * 256 : columns / 128 * 128;
        BitTailStart = columns / 256 * 256;
        BitPlane = BitPacking.ByteCount(columns, 2);
        Triples = bits == 3 ? columns / PackedTriples.Columns : 0;
        BitRest = BitPlane - 64 * Triples;
        TailSegments = bits == 8 ? [] : Segments(TailStart);
        BitTailSegments = bits == 3 ? Segments(BitTailStart) : [];
    }

    public int Columns { get; }
    public int Bits { get; }
    public int GroupSize { get; }
    public int Groups { get; }

    /// <summary>Columns whose products are summed as integers: those that share both scales, the weights' and the input's.</summary>
    public int UnitSize { get; }

    public int Units { get; }
    public int BytesPerRow { get; }

    /// <summary>The first column of the short stripe of the plane of the lowest bits.</summary>
    public int TailStart { get; }

    /// <summary>Three bits: the first column of the short stripe of the third bit.</summary>
    public int BitTailStart { get; }

    /// <summary>Three bits: where the plane of the third bit begins in a row.</summary>
    public int BitPlane { get; }

    /// <summary>Three bits on a grid: how many blocks of a row are in the order of <see cref="PackedTriples"/>.</summary>
    public int Triples { get; }

    /// <summary>Three bits on a grid: bytes from the end of those blocks to what is left of the plane of the third bit.</summary>
    public int BitRest { get; }

    public PackedSegment[] TailSegments { get; }

    public PackedSegment[] BitTailSegments { get; }

    /// <summary>What kernels take off a code before it meets the input; 8-bit codes become signed bytes.</summary>
    public int Base => Bits == 8 ? 128 : 0;

    /// <summary>Whether the kernels know this grid.</summary>
    public static bool Knows(int bits, int groupSize, int columns) =>
        bits is 2 or 3 or 4 or 8 && (groupSize >= columns || groupSize is 32 or 64 || (groupSize > 0 && groupSize % 128 == 0));

    private PackedSegment[] Segments(int start)
    {
        var segments = new List<PackedSegment>();
        for (int j = start, end; j < Columns; j = end)
        {
            end = Math.Min(Columns, (j / UnitSize + 1) * UnitSize);
            segments.Add(new(j, end, j / UnitSize));
        }
        return [.. segments];
    }
}
