using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Quarank.Numerics.Trellis;

/// <summary>
/// Products of 64 rows that share rings with one token, and their values. Step i of run r is row 8 i + r, so that sums of eight rows stay in a register
/// each over all columns.
/// </summary>
internal static unsafe class TrellisKernels
{
    /// <summary>Rows of a panel.</summary>
    public const int Rows = TrellisCode.Length;

    /// <summary>Column pairs whose inputs share a scale.</summary>
    public const int Block = 64;

    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    /// <summary>sums[row] = Σ value · x, in the order of the columns, each product and sum rounded once.</summary>
    /// <param name="x">Two for each pair.</param>
    public static void Multiply(TrellisCode code, byte* rings, int pairs, float* x, float* sums)
    {
        switch (code.SymbolBits)
        {
            case 3: Multiply<ThreeBits>(code, rings, pairs, x, sums); break;
            case 4: Multiply<FourBits>(code, rings, pairs, x, sums); break;
            case 5: Multiply<FiveBits>(code, rings, pairs, x, sums); break;
            case 6: Multiply<SixBits>(code, rings, pairs, x, sums); break;
            case 7: Multiply<SevenBits>(code, rings, pairs, x, sums); break;
            default: Multiply<EightBits>(code, rings, pairs, x, sums); break;
        }
    }

    /// <summary>sums[row] = Σ over blocks of scale · Σ value · x, the inner sum in whole numbers.</summary>
    /// <param name="x">The two signed bytes of each pair, as 16-bit numbers.</param>
    /// <param name="scales">One for every <see cref="Block"/> pairs.</param>
    public static void MultiplyRounded(TrellisCode code, byte* rings, int pairs, int* x, float* scales, float* sums)
    {
        switch (code.SymbolBits)
        {
            case 3: MultiplyRounded<ThreeBits>(code, rings, pairs, x, scales, sums); break;
            case 4: MultiplyRounded<FourBits>(code, rings, pairs, x, scales, sums); break;
            case 5: MultiplyRounded<FiveBits>(code, rings, pairs, x, scales, sums); break;
            case 6: MultiplyRounded<SixBits>(code, rings, pairs, x, scales, sums); break;
            case 7: MultiplyRounded<SevenBits>(code, rings, pairs, x, scales, sums); break;
            default: MultiplyRounded<EightBits>(code, rings, pairs, x, scales, sums); break;
        }
    }

    /// <summary>The values of 64 rows for each pair of columns, 64 ints a pair with the first value in the lower half.</summary>
    public static void Decode(TrellisCode code, byte* rings, int pairs, int* values)
    {
        switch (code.SymbolBits)
        {
            case 3: Decode<ThreeBits>(code, rings, pairs, values); break;
            case 4: Decode<FourBits>(code, rings, pairs, values); break;
            case 5: Decode<FiveBits>(code, rings, pairs, values); break;
            case 6: Decode<SixBits>(code, rings, pairs, values); break;
            case 7: Decode<SevenBits>(code, rings, pairs, values); break;
            default: Decode<EightBits>(code, rings, pairs, values); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TBits>(TrellisCode code, byte* rings, int pairs, float* x, float* sums) where TBits : struct, ISymbolBits
    {
        Vector256<uint> mask = Vector256.Create((1u << code.StateBits) - 1), multiplier = Vector256.Create(code.Multiplier);
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (int j = 0; j < pairs; j++, rings += 8 * TBits.Count)
        {
            var lanes = new TrellisLanes<TBits>(rings);
            Vector256<float> first = Vector256.Create(x[2 * j]), second = Vector256.Create(x[2 * j + 1]);
            s0 = Add(s0, lanes.Values(0, mask, multiplier), first, second);
            s1 = Add(s1, lanes.Values(1, mask, multiplier), first, second);
            s2 = Add(s2, lanes.Values(2, mask, multiplier), first, second);
            s3 = Add(s3, lanes.Values(3, mask, multiplier), first, second);
            s4 = Add(s4, lanes.Values(4, mask, multiplier), first, second);
            s5 = Add(s5, lanes.Values(5, mask, multiplier), first, second);
            s6 = Add(s6, lanes.Values(6, mask, multiplier), first, second);
            s7 = Add(s7, lanes.Values(7, mask, multiplier), first, second);
        }
        s0.Store(sums);
        s1.Store(sums + 8);
        s2.Store(sums + 16);
        s3.Store(sums + 24);
        s4.Store(sums + 32);
        s5.Store(sums + 40);
        s6.Store(sums + 48);
        s7.Store(sums + 56);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add(Vector256<float> sum, Vector256<short> values, Vector256<float> first, Vector256<float> second)
    {
        var pairs = values.AsInt32();
        sum = Fma.MultiplyAdd(Vector256.ConvertToSingle(pairs << 16 >> 16), first, sum);
        return Fma.MultiplyAdd(Vector256.ConvertToSingle(pairs >> 16), second, sum);
    }

    // A value has 16 bits, an input 7, a block 128 of them: 2³⁰ at most.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyRounded<TBits>(TrellisCode code, byte* rings, int pairs, int* x, float* scales, float* sums) where TBits : struct, ISymbolBits
    {
        Vector256<uint> mask = Vector256.Create((1u << code.StateBits) - 1), multiplier = Vector256.Create(code.Multiplier);
        new Span<float>(sums, Rows).Clear();
        for (int begin = 0; begin < pairs; begin += Block)
        {
            Vector256<int> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
            int end = Math.Min(begin + Block, pairs);
            for (int j = begin; j < end; j++, rings += 8 * TBits.Count)
            {
                var lanes = new TrellisLanes<TBits>(rings);
                var input = Vector256.Create(x[j]).AsInt16();
                s0 += Avx2.MultiplyAddAdjacent(lanes.Values(0, mask, multiplier), input);
                s1 += Avx2.MultiplyAddAdjacent(lanes.Values(1, mask, multiplier), input);
                s2 += Avx2.MultiplyAddAdjacent(lanes.Values(2, mask, multiplier), input);
                s3 += Avx2.MultiplyAddAdjacent(lanes.Values(3, mask, multiplier), input);
                s4 += Avx2.MultiplyAddAdjacent(lanes.Values(4, mask, multiplier), input);
                s5 += Avx2.MultiplyAddAdjacent(lanes.Values(5, mask, multiplier), input);
                s6 += Avx2.MultiplyAddAdjacent(lanes.Values(6, mask, multiplier), input);
                s7 += Avx2.MultiplyAddAdjacent(lanes.Values(7, mask, multiplier), input);
            }
            var scale = Vector256.Create(scales[begin / Block]);
            AddScaled(s0, scale, sums);
            AddScaled(s1, scale, sums + 8);
            AddScaled(s2, scale, sums + 16);
            AddScaled(s3, scale, sums + 24);
            AddScaled(s4, scale, sums + 32);
            AddScaled(s5, scale, sums + 40);
            AddScaled(s6, scale, sums + 48);
            AddScaled(s7, scale, sums + 56);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled(Vector256<int> whole, Vector256<float> scale, float* sums) =>
        (Vector256.Load(sums) + Vector256.ConvertToSingle(whole) * scale).Store(sums);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Decode<TBits>(TrellisCode code, byte* rings, int pairs, int* values) where TBits : struct, ISymbolBits
    {
        Vector256<uint> mask = Vector256.Create((1u << code.StateBits) - 1), multiplier = Vector256.Create(code.Multiplier);
        for (int j = 0; j < pairs; j++, rings += 8 * TBits.Count, values += Rows)
        {
            var lanes = new TrellisLanes<TBits>(rings);
            lanes.Values(0, mask, multiplier).AsInt32().Store(values);
            lanes.Values(1, mask, multiplier).AsInt32().Store(values + 8);
            lanes.Values(2, mask, multiplier).AsInt32().Store(values + 16);
            lanes.Values(3, mask, multiplier).AsInt32().Store(values + 24);
            lanes.Values(4, mask, multiplier).AsInt32().Store(values + 32);
            lanes.Values(5, mask, multiplier).AsInt32().Store(values + 40);
            lanes.Values(6, mask, multiplier).AsInt32().Store(values + 48);
            lanes.Values(7, mask, multiplier).AsInt32().Store(values + 56);
        }
    }
}
