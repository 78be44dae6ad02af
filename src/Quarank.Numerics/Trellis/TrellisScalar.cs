namespace Quarank.Numerics.Trellis;

/// <summary>What <see cref="TrellisKernels"/> does, by plain loops over unpacked symbols, bit for bit.</summary>
internal static unsafe class TrellisScalar
{
    private const int Rows = TrellisKernels.Rows, Block = TrellisKernels.Block;

    /// <inheritdoc cref="TrellisKernels.Decode"/>
    public static void Decode(TrellisCode code, byte* rings, int pairs, int* values)
    {
        int bytes = TrellisPacking.BytesOf(code.SymbolBits);
        Span<byte> symbols = stackalloc byte[Rows];
        Span<int> first = stackalloc int[Rows], second = stackalloc int[Rows];
        for (int j = 0; j < pairs; j++)
        {
            TrellisPacking.Unpack(new(rings + (nint)j * bytes, bytes), code.SymbolBits, symbols);
            code.Decode(symbols, first, second);
            for (int p = 0; p < Rows; p++) values[j * Rows + TrellisMatrix.RowOf(p)] = first[p] & 0xFFFF | second[p] << 16;
        }
    }

    /// <inheritdoc cref="TrellisKernels.Multiply"/>
    public static void Multiply(TrellisCode code, byte* rings, int pairs, float* x, float* sums)
    {
        int bytes = TrellisPacking.BytesOf(code.SymbolBits);
        int* values = stackalloc int[Rows];
        new Span<float>(sums, Rows).Clear();
        for (int j = 0; j < pairs; j++)
        {
            Decode(code, rings + (nint)j * bytes, 1, values);
            for (int i = 0; i < Rows; i++)
            {
                sums[i] = MathF.FusedMultiplyAdd((short)values[i], x[2 * j], sums[i]);
                sums[i] = MathF.FusedMultiplyAdd(values[i] >> 16, x[2 * j + 1], sums[i]);
            }
        }
    }

    /// <inheritdoc cref="TrellisKernels.MultiplyRounded"/>
    public static void MultiplyRounded(TrellisCode code, byte* rings, int pairs, int* x, float* scales, float* sums)
    {
        int bytes = TrellisPacking.BytesOf(code.SymbolBits);
        int* values = stackalloc int[Rows], whole = stackalloc int[Rows];
        new Span<float>(sums, Rows).Clear();
        for (int begin = 0; begin < pairs; begin += Block)
        {
            new Span<int>(whole, Rows).Clear();
            for (int j = begin; j < Math.Min(begin + Block, pairs); j++)
            {
                Decode(code, rings + (nint)j * bytes, 1, values);
                for (int i = 0; i < Rows; i++) whole[i] += (short)values[i] * (short)x[j] + (values[i] >> 16) * (x[j] >> 16);
            }
            for (int i = 0; i < Rows; i++) sums[i] += whole[i] * scales[begin / Block];
        }
    }
}
