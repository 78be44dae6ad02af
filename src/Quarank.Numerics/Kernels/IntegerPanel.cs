using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// Sixteen rows of codes laid out for many tokens: 32 bits of a row (four nibbles as bytes, or two bytes as shorts), then those of the next row,
/// so that a vector holds eight rows and an input's 32 bits, broadcast, meet all of them; sums of rows then need no adding across lanes.
/// </summary>
internal sealed unsafe class IntegerPanel : IDisposable
{
    public const int Rows = 16;

    private readonly int _stride, _units, _unit;
    private readonly bool _wide;
    private readonly int[] _codes;             // stride / 4 (or / 2) times sixteen rows
    private readonly float[] _scales;          // units times sixteen rows
    private readonly int[] _zeros, _sums;      // of a unit: the zero of its codes, and Σ (code − zero)

    /// <param name="stride">Columns, padded.</param>
    /// <param name="wide">Sixteen bits a code.</param>
    public IntegerPanel(int stride, int units, int unit, bool wide)
    {
        (_stride, _units, _unit, _wide) = (stride, units, unit, wide);
        _codes = ArrayPool<int>.Shared.Rent(stride / (wide ? 2 : 4) * Rows);
        (_scales, _zeros, _sums) = (ArrayPool<float>.Shared.Rent(units * Rows), ArrayPool<int>.Shared.Rent(units * Rows), ArrayPool<int>.Shared.Rent(units * Rows));
        Array.Clear(_codes);
        Array.Clear(_scales);
        Array.Clear(_zeros);
        Array.Clear(_sums);
    }

    public void Dispose()
    {
        ArrayPool<int>.Shared.Return(_codes);
        ArrayPool<float>.Shared.Return(_scales);
        ArrayPool<int>.Shared.Return(_zeros);
        ArrayPool<int>.Shared.Return(_sums);
    }

    /// <summary>Row r's codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Put(int r, ReadOnlySpan<byte> codes)
    {
        if (_wide)
        {
            ref int row = ref _codes[r];
            var pairs = MemoryMarshal.Cast<byte, ushort>(codes);
            for (int k = 0; k < pairs.Length; k++)
            {
                // Two bytes, each less 128, as two shorts of an int.
                int pair = pairs[k];
                Unsafe.Add(ref row, k * Rows) = ((pair & 0xFF) - 128 & 0xFFFF) | (pair >> 8) - 128 << 16;
            }
            if (codes.Length % 2 != 0) Unsafe.Add(ref row, pairs.Length * Rows) = codes[^1] - 128 & 0xFFFF;
            return;
        }
        var fours = MemoryMarshal.Cast<byte, int>(codes);
        for (int k = 0; k < fours.Length; k++) _codes[k * Rows + r] = fours[k];
        var bytes = MemoryMarshal.AsBytes(_codes.AsSpan());
        for (int j = fours.Length * 4; j < codes.Length; j++) bytes[(j / 4 * Rows + r) * 4 + j % 4] = codes[j];
    }

    /// <summary>What the codes of a unit of row r are multiplied by, and taken from.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void PutUnit(int r, int u, float scale, int zero, int count, ReadOnlySpan<byte> codes)
    {
        int sum = Sum(codes);
        (_scales[u * Rows + r], _zeros[u * Rows + r]) = (scale, zero);
        _sums[u * Rows + r] = sum - count * (zero + (_wide ? 128 : 0));
    }

    private static int Sum(ReadOnlySpan<byte> codes)
    {
        var sums = Vector256<int>.Zero;
        int j = 0;
        for (; j + 32 <= codes.Length; j += 32)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(codes[j..]));
            var (a, b) = Vector256.Widen((low + high).AsInt16());
            sums += a + b;
        }
        int sum = Vector256.Sum(sums);
        for (; j < codes.Length; j++) sum += codes[j];
        return sum;
    }

    /// <summary>Products with tokens first … first + count − 1, into columns of y from <paramref name="column"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(TokenCodes tokens, int first, int count, Matrix<float> y, int column)
    {
        int width = Math.Min(Rows, y.Columns - column);
        float* result = stackalloc float[3 * Rows];
        fixed (int* codes = _codes, zeros = _zeros, sums = _sums, tokenZeros = tokens.Zeros, tokenSums = tokens.Sums)
        fixed (float* scales = _scales, tokenScales = tokens.Scales)
        fixed (sbyte* q = tokens.Codes)
        fixed (short* w = tokens.Wide)
        {
            for (int t = first; t < first + count;)
            {
                int together = first + count - t >= 3 ? 3 : 1;
                new Span<float>(result, 3 * Rows).Clear();
                byte* input = _wide ? (byte*)(w + (nint)t * _stride) : (byte*)(q + (nint)t * _stride);
                int bytes = _wide ? 2 * _stride : _stride;
                for (int u = 0; u < _units; u++)
                {
                    int begin = u * _unit, length = Math.Min(_unit, _stride - begin);
                    var unit = new Unit(scales + u * Rows, zeros + u * Rows, sums + u * Rows,
                        tokenScales + (nint)t * _units + u, tokenZeros + (nint)t * _units + u, tokenSums + (nint)t * _units + u, _units);
                    int* from = codes + begin / (_wide ? 2 : 4) * Rows;
                    byte* x = input + (_wide ? 2 * begin : begin);
                    if (_wide)
                    {
                        if (together == 3) ThreeWide(from, x, bytes, length, unit, result);
                        else OneWide(from, x, length, unit, result);
                    }
                    else if (together == 3) Three(from, x, bytes, length, unit, result);
                    else One(from, x, length, unit, result);
                }
                for (int k = 0; k < together; k++, t++) new Span<float>(result + k * Rows, width).CopyTo(y.Row(t)[column..]);
            }
        }
    }

    private readonly struct Unit(float* scales, int* zeros, int* sums, float* tokenScales, int* tokenZeros, int* tokenSums, int units)
    {
        /// <summary>Adds the scaled integers of token k of the tile, rows 8 h … 8 h + 7.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Finish(Vector256<int> products, int k, int h, float* result)
        {
            int at = k * units;
            products -= Vector256.Load(zeros + 8 * h) * tokenSums[at];
            if (tokenZeros[at] != 0) products -= Vector256.Load(sums + 8 * h) * tokenZeros[at];
            float* y = result + k * Rows + 8 * h;
            Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(products), Vector256.Load(scales + 8 * h) * tokenScales[at], Vector256.Load(y)).Store(y);
        }
    }

    // Eight steps of four columns stay within sixteen bits: 8 · 2 · 15 · 127.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Three(int* w, byte* x, int bytes, int length, in Unit unit, float* result)
    {
        Vector256<int> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default;
        byte* second = x + bytes, third = second + bytes;
        for (int j = 0; j < length; j += 32)
        {
            Vector256<short> s0 = default, s1 = default, t0 = default, t1 = default, v0 = default, v1 = default;
            for (int k = 0; k < 32; k += 4, w += Rows)
            {
                Vector256<byte> low = Vector256.Load((byte*)w), high = Vector256.Load((byte*)(w + 8));
                var q = Vector256.Create(*(int*)(x + j + k)).AsSByte();
                s0 += Pairs(low, q);
                s1 += Pairs(high, q);
                q = Vector256.Create(*(int*)(second + j + k)).AsSByte();
                t0 += Pairs(low, q);
                t1 += Pairs(high, q);
                q = Vector256.Create(*(int*)(third + j + k)).AsSByte();
                v0 += Pairs(low, q);
                v1 += Pairs(high, q);
            }
            a0 += PackedLanes.Quads(s0);
            a1 += PackedLanes.Quads(s1);
            b0 += PackedLanes.Quads(t0);
            b1 += PackedLanes.Quads(t1);
            c0 += PackedLanes.Quads(v0);
            c1 += PackedLanes.Quads(v1);
        }
        unit.Finish(a0, 0, 0, result);
        unit.Finish(a1, 0, 1, result);
        unit.Finish(b0, 1, 0, result);
        unit.Finish(b1, 1, 1, result);
        unit.Finish(c0, 2, 0, result);
        unit.Finish(c1, 2, 1, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(int* w, byte* x, int length, in Unit unit, float* result)
    {
        Vector256<int> a0 = default, a1 = default;
        for (int j = 0; j < length; j += 32)
        {
            Vector256<short> s0 = default, s1 = default;
            for (int k = 0; k < 32; k += 4, w += Rows)
            {
                var q = Vector256.Create(*(int*)(x + j + k)).AsSByte();
                s0 += Pairs(Vector256.Load((byte*)w), q);
                s1 += Pairs(Vector256.Load((byte*)(w + 8)), q);
            }
            a0 += PackedLanes.Quads(s0);
            a1 += PackedLanes.Quads(s1);
        }
        unit.Finish(a0, 0, 0, result);
        unit.Finish(a1, 0, 1, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ThreeWide(int* w, byte* x, int bytes, int length, in Unit unit, float* result)
    {
        Vector256<int> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default;
        byte* second = x + bytes, third = second + bytes;
        for (int j = 0; j < 2 * length; j += 4, w += Rows)
        {
            Vector256<short> low = Vector256.Load((short*)w), high = Vector256.Load((short*)(w + 8));
            var q = Vector256.Create(*(int*)(x + j)).AsInt16();
            a0 += Sums(low, q);
            a1 += Sums(high, q);
            q = Vector256.Create(*(int*)(second + j)).AsInt16();
            b0 += Sums(low, q);
            b1 += Sums(high, q);
            q = Vector256.Create(*(int*)(third + j)).AsInt16();
            c0 += Sums(low, q);
            c1 += Sums(high, q);
        }
        unit.Finish(a0, 0, 0, result);
        unit.Finish(a1, 0, 1, result);
        unit.Finish(b0, 1, 0, result);
        unit.Finish(b1, 1, 1, result);
        unit.Finish(c0, 2, 0, result);
        unit.Finish(c1, 2, 1, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneWide(int* w, byte* x, int length, in Unit unit, float* result)
    {
        Vector256<int> a0 = default, a1 = default;
        for (int j = 0; j < 2 * length; j += 4, w += Rows)
        {
            var q = Vector256.Create(*(int*)(x + j)).AsInt16();
            a0 += Sums(Vector256.Load((short*)w), q);
            a1 += Sums(Vector256.Load((short*)(w + 8)), q);
        }
        unit.Finish(a0, 0, 0, result);
        unit.Finish(a1, 0, 1, result);
    }

    // Codes below 16 times signed bytes, neighbours summed.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pairs(Vector256<byte> codes, Vector256<sbyte> q)
    {
        if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(codes, q);
        var (c, s) = (codes.AsInt16(), q.AsInt16());
        return (c << 8 >> 8) * (s << 8 >> 8) + (c >> 8) * (s >> 8);
    }

    // Shorts times shorts, neighbours summed.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Sums(Vector256<short> a, Vector256<short> b)
    {
        if (Avx2.IsSupported) return Avx2.MultiplyAddAdjacent(a, b);
        var (c, s) = (a.AsInt32(), b.AsInt32());
        return (c << 16 >> 16) * (s << 16 >> 16) + (c >> 16) * (s >> 16);
    }
}
