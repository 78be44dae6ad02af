using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// Tokens rounded to signed bytes, as an <see cref="IntegerMatrix"/> meets them: columns padded with zeros to whole vectors, and for each unit
/// (columns whose products share both scales) the scale, the zero and the sum of its codes.
/// </summary>
internal sealed class TokenCodes
{
    /// <summary>Columns are padded to a multiple of it.</summary>
    public const int Vector = 32;

    private int _unitSize;

    /// <summary>Bytes of a token.</summary>
    public int Stride { get; private set; }
    public int Units { get; private set; }
    public sbyte[] Codes { get; private set; } = [];

    /// <summary>The same codes in sixteen bits; empty unless asked for.</summary>
    public short[] Wide { get; private set; } = [];

    /// <summary>Token by token, unit by unit.</summary>
    public float[] Scales { get; private set; } = [];
    public int[] Zeros { get; private set; } = [];
    public int[] Sums { get; private set; } = [];

    /// <summary>Makes room; buffers only grow.</summary>
    /// <param name="unitSize">A multiple of <see cref="Vector"/>, or all (padded) columns.</param>
    public void Prepare(int tokens, int columns, int unitSize, bool wide)
    {
        (Stride, _unitSize) = ((columns + Vector - 1) / Vector * Vector, unitSize);
        Units = (columns + unitSize - 1) / unitSize;
        if (Codes.Length < tokens * Stride) Codes = new sbyte[tokens * Stride];
        if (wide && Wide.Length < tokens * Stride) Wide = new short[tokens * Stride];
        if (Scales.Length < tokens * Units) (Scales, Zeros, Sums) = (new float[tokens * Units], new int[tokens * Units], new int[tokens * Units]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(int token, ReadOnlySpan<float> x, InputRounder rounder, bool wide)
    {
        var codes = Codes.AsSpan(token * Stride, Stride);
        codes[x.Length..].Clear();
        int group = rounder.Grid.GroupSize == 0 ? x.Length : rounder.Grid.GroupSize, at = token * Units;
        for (int first = 0; first < x.Length; first += group)
        {
            int end = Math.Min(first + group, x.Length);
            var (scale, zero) = rounder.ScaleOf(x[first..end]);
            rounder.Codes(x[first..end], scale, zero, codes[first..end]);
            for (int u = first / _unitSize; u * _unitSize < end; u++) (Scales[at + u], Zeros[at + u]) = (scale, zero);
        }
        for (int u = 0; u < Units; u++) Sums[at + u] = Sum(codes[(u * _unitSize)..Math.Min((u + 1) * _unitSize, Stride)]);
        if (!wide) return;
        var shorts = Wide.AsSpan(token * Stride, Stride);
        for (int j = 0; j < codes.Length; j += Vector)
        {
            var (low, high) = Vector256.Widen(Vector256.Create<sbyte>(codes[j..]));
            low.CopyTo(shorts[j..]);
            high.CopyTo(shorts[(j + Vector / 2)..]);
        }
    }

    private static int Sum(ReadOnlySpan<sbyte> codes)
    {
        var sum = Vector128<int>.Zero;
        for (int j = 0; j + 16 <= codes.Length; j += 16)
        {
            var (low, high) = Vector128.Widen(Vector128.Create(codes[j..]));
            var (a, b) = Vector128.Widen(low + high);
            sum += a + b;
        }
        return Vector128.Sum(sum);
    }
}
