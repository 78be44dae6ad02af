using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Quarank.Numerics.Lattice;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// Rows of lattice codes times an input in floats: code g of a unit is summed in accumulator g mod 4, coordinate i in lane i; the shifts ± 1/4 of all codes
/// apart, on the sums of the input over each. Equal to the scalar twin bit for bit.
/// </summary>
internal static unsafe class LatticeFloats
{
    /// <summary>y[i] = factor · row i times the input; rows may be read 30 bytes beyond their end.</summary>
    /// <param name="groups">Codes from a row to the next.</param>
    public static void Multiply(ushort* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        if (!Avx2.IsSupported)
        {
            MultiplyScalar(codes, groups, units, x, count, factor, y);
            return;
        }
        fixed (float* table = E8Tables.Values) Vectors(table, codes, groups, units, x, count, factor, y);
    }

    /// <summary>y[i] += factor · row i of the second book's codes of one bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddShell(byte* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        fixed (float* table = E8Tables.ShellValues)
            for (int i = 0; i < count; i++)
            {
                Vector256<float> a = default, b = default;
                byte* code = codes + (nint)i * groups;
                float* values = x.Values;
                for (int g = 0; g < 16 * units; g += 2, values += 16)
                {
                    a = Vector256.FusedMultiplyAdd(Vector256.Load(table + 8 * (nint)code[g]), Vector256.Load(values), a);
                    b = Vector256.FusedMultiplyAdd(Vector256.Load(table + 8 * (nint)code[g + 1]), Vector256.Load(values + 8), b);
                }
                y[i] += factor * PackedLanes.Total(a + b);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Vectors(float* table, ushort* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        var parities = Vector256.Create(Vector128.Create((byte)0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0), Vector128.Create((byte)0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0));
        var low = Vector256.Create((ushort)15);
        // Brings the sign bit of coordinate i to the top.
        var up = Vector256.Create(31u, 27, 30, 26, 29, 25, 28, 24);
        var minus = Vector256.Create(int.MinValue);
        ushort* signs = stackalloc ushort[24];
        for (int i = 0; i < count; i++)
        {
            Vector256<float> a = default, b = default, c = default, d = default, shifts = default;
            ushort* code = codes + (nint)i * groups;
            float* values = x.Values, quarters = x.Quarters;
            for (int u = 0; u < units; u++, code += 16, quarters += 16)
            {
                PackedLanes.Fetch((byte*)code);
                var sixteen = Vector256.Load(code);
                var parity = Avx2.Shuffle(parities, ((sixteen ^ (sixteen >>> 4)) & low).AsByte()).AsUInt16();
                (sixteen ^ parity).Store(signs);
                shifts += Vector256.Load(quarters) ^ (Avx2.ConvertToVector256Int32(parity.GetLower()) << 31).AsSingle();
                shifts += Vector256.Load(quarters + 8) ^ (Avx2.ConvertToVector256Int32(parity.GetUpper()) << 31).AsSingle();
                byte* high = (byte*)code + 1;
                for (int g = 0; g < 16; g += 4, values += 32)
                {
                    a = Vector256.FusedMultiplyAdd(Weights(table, high[2 * g], signs + g, up, minus), Vector256.Load(values), a);
                    b = Vector256.FusedMultiplyAdd(Weights(table, high[2 * g + 2], signs + g + 1, up, minus), Vector256.Load(values + 8), b);
                    c = Vector256.FusedMultiplyAdd(Weights(table, high[2 * g + 4], signs + g + 2, up, minus), Vector256.Load(values + 16), c);
                    d = Vector256.FusedMultiplyAdd(Weights(table, high[2 * g + 6], signs + g + 3, up, minus), Vector256.Load(values + 24), d);
                }
            }
            y[i] = factor * PackedLanes.Total((a + b) + (c + d) + shifts);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Weights(float* table, byte pattern, ushort* signs, Vector256<uint> up, Vector256<int> minus) =>
        Vector256.Load(table + 8 * (nint)pattern) ^ (Avx2.ShiftLeftLogicalVariable(Vector256.Create(*(int*)signs), up) & minus).AsSingle();

    internal static void MultiplyScalar(ushort* codes, int groups, int units, in LatticeInputs x, int count, float factor, float* y)
    {
        float* sums = stackalloc float[5 * 8];
        for (int i = 0; i < count; i++)
        {
            new Span<float>(sums, 40).Clear();
            for (int g = 0; g < 16 * units; g++)
            {
                ushort code = codes[(nint)i * groups + g];
                int parity = BitOperations.PopCount(code & 255u) & 1, signs = code & 255 ^ parity;
                sums[32 + g % 8] += parity != 0 ? -x.Quarters[g] : x.Quarters[g];
                for (int j = 0; j < 8; j++)
                {
                    float w = E8Tables.Values[(code >> 8) * 8 + j];
                    float* sum = sums + g % 4 * 8 + j;
                    *sum = MathF.FusedMultiplyAdd((signs & E8Tables.SignBits[j]) != 0 ? -w : w, x.Values[8 * g + j], *sum);
                }
            }
            var total = (Vector256.Load(sums) + Vector256.Load(sums + 8)) + (Vector256.Load(sums + 16) + Vector256.Load(sums + 24)) + Vector256.Load(sums + 32);
            y[i] = factor * PackedLanes.Total(total);
        }
    }
}
