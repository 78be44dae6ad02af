namespace Quarank.Numerics.Kernels;

/// <summary><see cref="PackedDot"/> in plain loops: the same integers in the same lanes, the same float sums in the same order.</summary>
internal static unsafe class PackedDotScalar
{
    private const int Lanes = 8, Part = 32;

    /// <inheritdoc cref="PackedDot.Of(byte*, float*, ByteInput, PackedLayout)"/>
    public static float Of(ReadOnlySpan<byte> row, ReadOnlySpan<float> scales, ByteInput x, PackedLayout layout)
    {
        if (row.Length < layout.BytesPerRow + Part - 1 || scales.Length != layout.Groups)
            throw new ArgumentException($"{row.Length} bytes and {scales.Length} scales are no row of {layout.Columns} columns and what may be read behind it.");
        fixed (byte* r = row)
        fixed (float* s = scales)
            return Of(r, s, x, layout);
    }

    public static float Of(byte* row, float* scales, ByteInput x, PackedLayout layout)
    {
        float* sum = stackalloc float[Lanes];
        for (int l = 0; l < Lanes; l++) sum[l] = 0;
        if (layout.Bits == 8) Eight(row, scales, x, layout, sum);
        else Planes(row, scales, x, layout, sum);
        return sum[0] + sum[4] + (sum[2] + sum[6]) + (sum[1] + sum[5] + (sum[3] + sum[7]));
    }

    private static void Eight(byte* row, float* scales, ByteInput x, PackedLayout layout, float* sum)
    {
        int* lanes = stackalloc int[Lanes];
        int unit = Math.Min(layout.GroupSize, ByteInput.Block);
        for (int first = 0; first < layout.Columns; first += unit)
        {
            Clear(lanes);
            for (int j = first; j < Math.Min(first + unit, layout.Columns); j++) lanes[j % Part / 4] += row[j] * x.Codes[j];
            Join(sum, lanes, x.Scales[first / ByteInput.Block] * scales[first / layout.GroupSize]);
        }
    }

    private static void Planes(byte* row, float* scales, ByteInput x, PackedLayout layout, float* sum)
    {
        int* lanes = stackalloc int[Lanes];
        int width = layout.Bits == 4 ? 4 : 2, perStripe = 256 / width, unit = Math.Min(layout.GroupSize, ByteInput.Block);
        for (int first = 0; first < layout.TailStart; first += unit)
        {
            int end = Math.Min(first + unit, layout.TailStart);
            Clear(lanes);
            for (int part = first; part < end; part += Part)
            {
                Add(lanes, row + part / perStripe * Part, part % perStripe / Part * width, width, 1, x.Codes + part);
                if (part < layout.BitTailStart && layout.Bits == 3)
                    Add(lanes, row + layout.BitPlane + part / 256 * Part, part % 256 / Part, 1, 4, x.Codes + part);
            }
            Join(sum, lanes, x.Scales[first / ByteInput.Block] * scales[first / layout.GroupSize]);
        }
        Tail(row + layout.TailStart / perStripe * Part, width, 1, layout.TailSegments, x.Tail, scales, x, sum);
        if (layout.Bits == 3) Tail(row + layout.BitPlane + layout.BitTailStart / 256 * Part, 1, 4, layout.BitTailSegments, x.BitTail, scales, x, sum);
    }

    private static void Tail(byte* bytes, int width, int factor, PackedSegment[] segments, sbyte* copy, float* scales, ByteInput x, float* sum)
    {
        int* lanes = stackalloc int[Lanes];
        foreach (var segment in segments)
        {
            Clear(lanes);
            for (int k = 0; k < 8 / width; k++) Add(lanes, bytes, k * width, width, 1, copy + k * Part);
            float scale = x.Scales[segment.Block] * scales[segment.Group];
            Join(sum, lanes, factor * scale);
            copy += 8 / width * Part;
        }
    }

    private static void Add(int* lanes, byte* bytes, int shift, int width, int factor, sbyte* q)
    {
        for (int j = 0; j < Part; j++)
        {
            if (q[j] != 0) lanes[j / 4] += factor * ((bytes[j] >> shift) & ((1 << width) - 1)) * q[j];
        }
    }

    private static void Join(float* sum, int* lanes, float scale)
    {
        for (int l = 0; l < Lanes; l++) sum[l] = MathF.FusedMultiplyAdd(lanes[l], scale, sum[l]);
    }

    private static void Clear(int* lanes) => new Span<int>(lanes, Lanes).Clear();
}
