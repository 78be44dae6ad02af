namespace Quarank.Numerics.Kernels;

/// <summary><see cref="PackedDot"/> in plain loops: the same integers in the same lanes, the same float sums in the same order.</summary>
internal static unsafe class PackedDotScalar
{
    private const int Lanes = 8, Part = 32;

    /// <inheritdoc cref="PackedDot.Multiply"/>
    public static void Multiply(in PackedRows rows, in PackedInput x, int count, float* y)
    {
        var layout = rows.Layout;
        float* sum = stackalloc float[Lanes];
        float* scales = stackalloc float[layout.Units];
        byte* planes = stackalloc byte[layout.Bits == 3 ? layout.BytesPerRow : 0];
        for (int i = 0; i < count; i++)
        {
            new Span<float>(sum, Lanes).Clear();
            for (int u = 0; u < layout.Units; u++) scales[u] = x.UnitScales[u];
            if (layout.Groups > 1) Prepare(rows, x, i, scales, sum);
            byte* row = rows.Codes + (nint)i * layout.BytesPerRow;
            if (layout.Bits == 3)
            {
                PackedTriples.ToPlanesScalar(row, planes, layout);
                row = planes;
            }
            if (layout.Bits == 8) Eight(row, scales, x, layout, sum);
            else Planes(row, scales, x, layout, sum);
            y[i] = sum[0] + sum[4] + (sum[2] + sum[6]) + (sum[1] + sum[5] + (sum[3] + sum[7]));
        }
        if (layout.Groups == 1) PackedScales.Finish(rows, x, count, y);
    }

    /// <summary>The scales of row <paramref name="row"/>'s units; the sum of its offsets in eight lanes.</summary>
    public static void Prepare(in PackedRows rows, in PackedInput x, int row, float* scales, float* sum)
    {
        var layout = rows.Layout;
        for (int g = 0; g < layout.Groups; g++)
        {
            nint at = (nint)row * layout.Groups + g;
            float scale = rows.Factor * (rows.Halves != null ? (float)BitConverter.UInt16BitsToHalf(rows.Halves[at]) : rows.Scales[at]);
            for (int u = g * layout.GroupSize / layout.UnitSize; u < Math.Min(layout.Units, (g + 1) * layout.GroupSize / layout.UnitSize); u++)
                scales[u] *= scale;
            sum[g % Lanes] = MathF.FusedMultiplyAdd(PackedScales.Factor(rows, at, scale), x.GroupSums[g], sum[g % Lanes]);
        }
    }

    private static void Eight(byte* row, float* scales, in PackedInput x, PackedLayout layout, float* sum)
    {
        int* lanes = stackalloc int[Lanes];
        for (int u = 0; u < layout.Units; u++)
        {
            Clear(lanes);
            for (int j = u * layout.UnitSize; j < Math.Min((u + 1) * layout.UnitSize, layout.Columns); j++) lanes[j % Part / 4] += (row[j] - 128) * x.Codes[j];
            Join(sum, lanes, scales[u]);
        }
    }

    private static void Planes(byte* row, float* scales, in PackedInput x, PackedLayout layout, float* sum)
    {
        int* lanes = stackalloc int[Lanes];
        int width = layout.Bits == 4 ? 4 : 2, perStripe = 256 / width, unit = layout.UnitSize;
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
            Join(sum, lanes, scales[first / unit]);
        }
        Tail(row + layout.TailStart / perStripe * Part, width, 1, layout.TailSegments, x.Tail, scales, sum);
        if (layout.Bits == 3) Tail(row + layout.BitPlane + layout.BitTailStart / 256 * Part, 1, 4, layout.BitTailSegments, x.BitTail, scales, sum);
    }

    private static void Tail(byte* bytes, int width, int factor, PackedSegment[] segments, sbyte* copy, float* scales, float* sum)
    {
        int* lanes = stackalloc int[Lanes];
        foreach (var segment in segments)
        {
            Clear(lanes);
            for (int k = 0; k < 8 / width; k++) Add(lanes, bytes, k * width, width, 1, copy + k * Part);
            Join(sum, lanes, factor * scales[segment.Unit]);
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
