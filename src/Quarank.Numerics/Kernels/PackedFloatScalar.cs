using System.Buffers;

namespace Quarank.Numerics.Kernels;

/// <summary><see cref="PackedFloat"/> in plain loops, of the same sums in the same order.</summary>
internal static unsafe class PackedFloatScalar
{
    private const int Lanes = 8, Accumulators = 32;

    /// <inheritdoc cref="PackedDot.Multiply"/>
    public static void Multiply(in PackedRows rows, in PackedInput x, int count, float* y)
    {
        var layout = rows.Layout;
        float* sum = stackalloc float[Lanes], scales = stackalloc float[layout.Units], a = stackalloc float[Accumulators];
        byte[] rented = ArrayPool<byte>.Shared.Rent(layout.Columns);
        var codes = rented.AsSpan(0, layout.Columns);
        byte* planes = stackalloc byte[layout.Bits == 3 ? layout.BytesPerRow : 0];
        for (int i = 0; i < count; i++)
        {
            new Span<float>(sum, Lanes).Clear();
            for (int u = 0; u < layout.Units; u++) scales[u] = x.UnitScales[u];
            if (layout.Groups > 1) PackedDotScalar.Prepare(rows, x, i, scales, sum);
            byte* row = rows.Codes + (nint)i * layout.BytesPerRow;
            if (layout.Bits == 3 && rows.Levels == null)
            {
                PackedTriples.ToPlanesScalar(row, planes, layout);
                row = planes;
            }
            BitPacking.Unpack(new ReadOnlySpan<byte>(row, layout.BytesPerRow), layout.Bits, codes);
            for (int u = 0; u < layout.Units; u++)
            {
                new Span<float>(a, Accumulators).Clear();
                for (int j = u * layout.UnitSize; j < Math.Min((u + 1) * layout.UnitSize, layout.Columns); j++)
                {
                    float value = rows.Levels != null ? rows.Levels[codes[j]] : codes[j] - layout.Base;
                    a[j % Accumulators] = MathF.FusedMultiplyAdd(value, x.Values[j], a[j % Accumulators]);
                }
                for (int l = 0; l < Lanes; l++)
                    sum[l] = MathF.FusedMultiplyAdd(a[l] + a[l + 8] + (a[l + 16] + a[l + 24]), scales[u], sum[l]);
            }
            y[i] = sum[0] + sum[4] + (sum[2] + sum[6]) + (sum[1] + sum[5] + (sum[3] + sum[7]));
        }
        ArrayPool<byte>.Shared.Return(rented);
        if (layout.Groups == 1) PackedScales.Finish(rows, x, count, y);
    }
}
