using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Quarank.Numerics.Lattice;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// Rows of lattice codes times an input in signed bytes. A weight is sign · a ± 1/4; with n the byte of <see cref="E8Tables.Bytes"/> and p the code's parity
/// it is (4 n − 13 − 2 p) / 4, so that a unit's sum in quarters is an exact integer, 4 Σ n x − 13 Σ x − 2 Σ p x.
/// </summary>
internal static unsafe class LatticeBytes
{
    /// <summary>y[i] = factor · row i times the input, in quarters; rows may be read 30 bytes beyond their end.</summary>
    /// <param name="groups">Codes from a row to the next.</param>
    public static void Multiply(ushort* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        if (!Avx2.IsSupported)
        {
            MultiplyScalar(codes, groups, units, x, count, factor, y);
            return;
        }
        fixed (byte* table = E8Tables.Bytes) Vectors(table, codes, groups, units, x, count, factor, y);
    }

    /// <summary>y[i] += factor · row i of the second book's codes of one bit, in halves; rows may be read 15 bytes beyond their end.</summary>
    public static void AddShell(byte* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        if (!Avx2.IsSupported)
        {
            AddShellScalar(codes, groups, units, x, count, factor, y);
            return;
        }
        fixed (byte* table = E8Tables.ShellBytes) ShellVectors(table, codes, groups, units, x, count, factor, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Vectors(byte* table, ushort* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        var places = Vector256.Create(Vector128.Create((ulong)0, 0x0202020202020202), Vector128.Create((ulong)0, 0x0202020202020202)).AsByte();
        Vector256<byte> places1 = places + Vector256.Create((byte)4), places2 = places + Vector256.Create((byte)8), places3 = places + Vector256.Create((byte)12),
            bits = Vector256.Create(0x8008400420021001).AsByte(), seven = Vector256.Create((byte)7);
        var parities = Vector256.Create(Vector128.Create((byte)0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0), Vector128.Create((byte)0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0));
        var (low, four) = (Vector256.Create((ushort)15), Vector256.Create((short)4));
        for (int i = 0; i < count; i++)
        {
            var sum = Vector256<float>.Zero;
            ushort* code = codes + (nint)i * groups;
            sbyte* q = x.Bytes;
            short* sums = x.Sums;
            int* starts = x.Starts;
            float* scales = x.Scales;
            for (int u = 0; u < units; u++, code += 16, q += 128, sums += 16, starts += 8)
            {
                PackedLanes.Fetch((byte*)code);
                var c = Vector256.Load(code);
                var parity = Avx2.Shuffle(parities, ((c ^ (c >>> 4)) & low).AsByte());
                // The first sign bit is stored with the parity in it.
                var signs = c.AsByte() ^ parity;
                byte* high = (byte*)code + 1;
                var sum16 = Step(table, high, 0, signs, places, bits, seven, q) + Step(table, high, 4, signs, places1, bits, seven, q + 32)
                    + (Step(table, high, 8, signs, places2, bits, seven, q + 64) + Step(table, high, 12, signs, places3, bits, seven, q + 96));
                var whole = Avx2.MultiplyAddAdjacent(sum16, four) + Avx2.MultiplyAddAdjacent(parity.AsInt16(), Vector256.Load(sums)) + Vector256.Load(starts);
                sum = PackedLanes.Add(sum, whole, scales[u]);
            }
            y[i] = factor * PackedLanes.Total(sum);
        }
    }

    // Four codes; their high bytes, 2 (k, k + 1, k + 8, k + 9) for k of the step, stand at high.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Step(byte* table, byte* high, int at, Vector256<byte> signs, Vector256<byte> places, Vector256<byte> bits, Vector256<byte> seven, sbyte* q)
    {
        var turned = Vector256.Equals(Avx2.Shuffle(signs, places) & bits, bits) & seven;
        var n = Four(table, high[at], high[at + 2], high[at + 16], high[at + 18]);
        return Avx2.MultiplyAddAdjacent(n ^ turned, Vector256.Load(q));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Four(byte* table, byte a, byte b, byte c, byte d)
    {
        var first = Sse2.LoadHigh(Vector128.CreateScalarUnsafe(*(double*)(table + 8 * (nint)a)), (double*)(table + 8 * (nint)b));
        var second = Sse2.LoadHigh(Vector128.CreateScalarUnsafe(*(double*)(table + 8 * (nint)c)), (double*)(table + 8 * (nint)d));
        return Vector256.Create(first, second).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ShellVectors(byte* table, byte* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        for (int i = 0; i < count; i++)
        {
            var sum = Vector256<float>.Zero;
            byte* code = codes + (nint)i * groups;
            sbyte* q = x.Bytes;
            int* starts = x.ShellStarts;
            for (int u = 0; u < units; u++, code += 16, q += 128, starts += 8)
            {
                var sum16 = Avx2.MultiplyAddAdjacent(Four(table, code[0], code[1], code[8], code[9]), Vector256.Load(q))
                    + Avx2.MultiplyAddAdjacent(Four(table, code[2], code[3], code[10], code[11]), Vector256.Load(q + 32))
                    + (Avx2.MultiplyAddAdjacent(Four(table, code[4], code[5], code[12], code[13]), Vector256.Load(q + 64))
                    + Avx2.MultiplyAddAdjacent(Four(table, code[6], code[7], code[14], code[15]), Vector256.Load(q + 96)));
                sum = PackedLanes.Add(sum, PackedLanes.Quads(sum16) + Vector256.Load(starts), x.Scales[u]);
            }
            y[i] += factor * PackedLanes.Total(sum);
        }
    }

    internal static void MultiplyScalar(ushort* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        int* whole = stackalloc int[8];
        for (int i = 0; i < count; i++)
        {
            var sum = Vector256<float>.Zero;
            for (int u = 0; u < units; u++)
            {
                for (int lane = 0; lane < 8; lane++) whole[lane] = x.Starts[8 * u + lane];
                for (int g = 0; g < 16; g++)
                {
                    ushort code = codes[(nint)i * groups + 16 * u + g];
                    int parity = BitOperations.PopCount(code & 255u) & 1, signs = code & 255 ^ parity;
                    whole[g / 2] += parity * x.Sums[16 * u + g];
                    var table = E8Tables.Bytes.AsSpan((code >> 8) * 8, 8);
                    sbyte* q = x.Bytes + 128 * u + (g >> 1 & 3) * 32 + (g >> 3) * 16 + (g & 1) * 8;
                    for (int j = 0; j < 8; j++)
                        whole[((g >> 3) * 16 + (g & 1) * 8 + j) / 4] += 4 * q[j] * ((signs & E8Tables.SignBits[j]) != 0 ? table[j] ^ 7 : table[j]);
                }
                sum = Sum(sum, whole, x.Scales[u]);
            }
            y[i] = factor * PackedLanes.Total(sum);
        }
    }

    internal static void AddShellScalar(byte* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        int* whole = stackalloc int[8];
        for (int i = 0; i < count; i++)
        {
            var sum = Vector256<float>.Zero;
            for (int u = 0; u < units; u++)
            {
                for (int lane = 0; lane < 8; lane++) whole[lane] = x.ShellStarts[8 * u + lane];
                for (int g = 0; g < 16; g++)
                {
                    var table = E8Tables.ShellBytes.AsSpan(codes[(nint)i * groups + 16 * u + g] * 8, 8);
                    sbyte* q = x.Bytes + 128 * u + (g >> 1 & 3) * 32 + (g >> 3) * 16 + (g & 1) * 8;
                    for (int j = 0; j < 8; j++) whole[((g >> 3) * 16 + (g & 1) * 8 + j) / 4] += q[j] * table[j];
                }
                sum = Sum(sum, whole, x.Scales[u]);
            }
            y[i] += factor * PackedLanes.Total(sum);
        }
    }

    private static Vector256<float> Sum(Vector256<float> sum, int* whole, float scale)
    {
        for (int lane = 0; lane < 8; lane++) sum = sum.WithElement(lane, MathF.FusedMultiplyAdd(whole[lane], scale, sum.GetElement(lane)));
        return sum;
    }
}
