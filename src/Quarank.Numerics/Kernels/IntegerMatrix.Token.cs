using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>One token: the codes of a row pass once, as they are stored.</summary>
public sealed unsafe partial class IntegerMatrix
{
    private const int Stripe = 32;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void OneToken(TokenCodes token, int unit, int first, int count, float* y)
    {
        bool zeros = HasZeros(token);
        fixed (byte* codes = _codes)
        fixed (sbyte* q = token.Codes, ones = zeros ? Ones(token.Stride) : null)
        {
            for (int i = first; i < first + count; i++)
            {
                byte* row = codes + (nint)i * _bytesPerRow;
                float sum = 0;
                for (int u = 0; u < token.Units; u++)
                {
                    int begin = u * unit, end = Math.Min(begin + unit, Columns), group = i * _groups + (_groupSize == 0 ? 0 : begin / _groupSize);
                    int zero = ZeroOf(group);
                    int products = Products(row, q, begin, end) - zero * token.Sums[u];
                    // Σ (c − z) is wanted only where inputs have zeros of their own.
                    if (zeros) products -= token.Zeros[u] * (Products(row, ones, begin, end) - (end - begin) * zero);
                    sum = MathF.FusedMultiplyAdd(products, _scales[group] * token.Scales[u], sum);
                }
                y[i] = sum;
            }
        }
    }

    private static bool HasZeros(TokenCodes token)
    {
        foreach (int zero in token.Zeros.AsSpan(0, token.Units))
            if (zero != 0) return true;
        return false;
    }

    private int Products(byte* row, sbyte* q, int begin, int end) => _bits == 4 ? Nibbles(row, q, begin, end) : Bytes(row, q, begin, end);

    [ThreadStatic] private static sbyte[]? t_ones;

    private static sbyte[] Ones(int count)
    {
        if (t_ones is null || t_ones.Length < count)
        {
            t_ones = new sbyte[count];
            t_ones.AsSpan().Fill(1);
        }
        return t_ones;
    }

    // Columns begin … end − 1 of a row of nibbles, begin a multiple of 32. A stripe of 32 bytes holds 64 codes, the lower halves first.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Nibbles(byte* row, sbyte* q, int begin, int end)
    {
        const int together = 4;      // stripes whose sums of neighbours fit in sixteen bits: 8 · 2 · 15 · 127
        var mask = Vector256.Create((byte)15);
        var sum = Vector256<int>.Zero;
        int j = begin, whole = Math.Min(end, Columns / 64 * 64);
        if (j % 64 != 0 && j < whole)
        {
            sum = PackedLanes.Quads(PackedLanes.Pairs(PackedLanes.Down(Vector256.Load(row + j / 64 * Stripe), 4) & mask, q + j));
            j += 32;
        }
        while (j + 64 <= whole)
        {
            var pairs = Vector256<short>.Zero;
            for (int k = 0; k < together && j + 64 <= whole; k++, j += 64)
            {
                PackedLanes.Fetch(row + j / 2);
                var v = Vector256.Load(row + j / 2);
                pairs += PackedLanes.Pairs(v & mask, q + j) + PackedLanes.Pairs(PackedLanes.Down(v, 4) & mask, q + j + 32);
            }
            sum += PackedLanes.Quads(pairs);
        }
        if (j < whole)
        {
            sum += PackedLanes.Quads(PackedLanes.Pairs(Vector256.Load(row + j / 2) & mask, q + j));
            j += 32;
        }
        if (j < end)
        {
            byte* tail = stackalloc byte[64];
            Tail(row, tail);
            int from = Columns / 64 * 64;
            for (; j < end; j += 32) sum += PackedLanes.Quads(PackedLanes.Pairs(Vector256.Load(tail + j - from), q + j));
        }
        return Vector256.Sum(sum);
    }

    // The codes of the short stripe at a row's end, zeros behind them.
    private void Tail(byte* row, byte* codes)
    {
        int from = Columns / 64 * 64, bytes = from / 2;
        new Span<byte>(codes, 64).Clear();
        BitPacking.Unpack(new ReadOnlySpan<byte>(row + bytes, _bytesPerRow - bytes), 4, new Span<byte>(codes, Columns - from));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Bytes(byte* row, sbyte* q, int begin, int end)
    {
        var turn = Vector256.Create((byte)128);
        var sum = Vector256<int>.Zero;
        int j = begin;
        for (; j + 32 <= end; j += 32)
        {
            PackedLanes.Fetch(row + j);
            sum += PackedLanes.Quads(PackedLanes.SignedPairs((Vector256.Load(row + j) ^ turn).AsSByte(), q + j));
        }
        int total = Vector256.Sum(sum);
        for (; j < end; j++) total += (row[j] - 128) * q[j];
        return total;
    }
}
