using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// A vector of activations as signed bytes, x ≈ scale · q with one scale per 128 values, laid out as the packed rows of one matrix will meet
/// it: whole stripes in order, the last, shorter stripe of each plane rearranged and padded with zeros (<see cref="BitPacking"/>).
/// </summary>
/// <remarks>
/// A short stripe may mix values of several scale groups or blocks of 128; for each of these segments there is a copy of the stripe in which
/// all other values are zero, so that each segment's sum comes out by itself.
/// </remarks>
internal sealed unsafe class ByteInput
{
    /// <summary>Values that share an activation scale.</summary>
    public const int Block = 128;

    private const int Stripe = 32, Line = 64;
    private byte[] _memory = [];
    private PackedInput _view;
    private int _unitSize;

    private float* UnitScales => _view.UnitScales;
    private float* GroupSums => _view.GroupSums;
    private sbyte* Codes => _view.Codes;
    public PackedInput Pointers => _view;

    /// <summary>Scale · code of value j: what the products see in its place.</summary>
    public float Value(int j) => UnitScales[j / _unitSize] * Codes[j];

    /// <summary>All the values that the products see.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Values(Span<float> values)
    {
        for (int j = 0; j < values.Length; j += _unitSize)
        {
            float scale = UnitScales[j / _unitSize];
            for (int k = j; k < Math.Min(j + _unitSize, values.Length); k++) values[k] = scale * Codes[k];
        }
    }

    /// <summary>Σ of the values of scale group g.</summary>
    public float GroupSum(int g) => GroupSums[g];

    /// <summary>Rounds <paramref name="x"/> for a matrix of this layout. One buffer serves every matrix; it grows to the largest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(ReadOnlySpan<float> x, PackedLayout layout)
    {
        Reserve(layout);
        _unitSize = layout.UnitSize;
        new Span<float>(UnitScales + layout.Units, 8).Clear();
        new Span<float>(GroupSums, layout.Groups + 8).Clear();
        for (int j = 0; j < x.Length; j += Block)
        {
            float scale = Round(x[j..Math.Min(j + Block, x.Length)], Codes + j);
            for (int u = j / layout.UnitSize; u < Math.Min(layout.Units, (j + Block) / layout.UnitSize); u++)
            {
                UnitScales[u] = scale;
                GroupSums[u * layout.UnitSize / layout.GroupSize] += scale * Sum(Codes + u * layout.UnitSize, layout.UnitSize);
            }
        }
        if (layout.Bits == 8) return;
        int width = layout.Bits switch { 1 => 1, 4 => 4, _ => 2 };
        Arrange(_view.Tail, layout, layout.TailStart, width, layout.TailSegments);
        if (layout.Bits == 3) Arrange(_view.BitTail, layout, layout.BitTailStart, 1, layout.BitTailSegments);
    }

    private void Reserve(PackedLayout layout)
    {
        int codes = (layout.Columns + Block - 1) / Block * Block, width = layout.Bits switch { 1 => 1, 4 => 4, _ => 2 };
        int tail = layout.TailSegments.Length * 8 / width * Stripe, bits = layout.BitTailSegments.Length * 8 * Stripe;
        int scales = 4 * (layout.Units + 8), sums = 4 * (layout.Groups + 8);
        int size = codes + tail + bits + scales + sums + Line;
        if (_memory.Length < size) _memory = GC.AllocateUninitializedArray<byte>(size + size / 2, pinned: true);
        byte* at = (byte*)(((nint)Unsafe.AsPointer(ref _memory[0]) + Line - 1) & -Line);
        _view = new()
        {
            Codes = (sbyte*)at,
            Tail = (sbyte*)at + codes,
            BitTail = (sbyte*)at + codes + tail,
            UnitScales = (float*)(at + codes + tail + bits),
            GroupSums = (float*)(at + codes + tail + bits + scales),
        };
    }

    /// <summary>Rounds up to 128 values, zeros behind them; returns their scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Round(ReadOnlySpan<float> x, sbyte* codes)
    {
        float most = Largest(x), scale = most / 127, inverse = scale > 0 && float.IsFinite(1 / scale) ? 1 / scale : 0;
        int j = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            var times = Vector256.Create(inverse);
            for (; j + 32 <= x.Length; j += 32)
            {
                var a = Vector256.Narrow(Rounded(x[j..], times), Rounded(x[(j + 8)..], times));
                var b = Vector256.Narrow(Rounded(x[(j + 16)..], times), Rounded(x[(j + 24)..], times));
                Vector256.Narrow(a, b).Store(codes + j);
            }
        }
        for (; j < x.Length; j++) codes[j] = (sbyte)MathF.Round(x[j] * inverse);
        for (; j < Block; j++) codes[j] = 0;
        // An input that is not finite must not come out as a finite number.
        return !float.IsFinite(most) ? float.NaN : inverse == 0 ? 0 : scale;

        static Vector256<int> Rounded(ReadOnlySpan<float> x, Vector256<float> times) =>
            Vector256.ConvertToInt32Native(Vector256.Round(Vector256.Create(x) * times));
    }

    // Without their sign, floats are ordered as their bits are, NaN above all.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Largest(ReadOnlySpan<float> x)
    {
        const int magnitude = 0x7FFFFFFF;
        int most = 0, j = 0;
        if (Vector128.IsHardwareAccelerated && x.Length >= 8)
        {
            var lanes = Vector256<int>.Zero;
            for (; j + 8 <= x.Length; j += 8) lanes = Vector256.Max(lanes, Vector256.Create(x[j..]).AsInt32() & Vector256.Create(magnitude));
            for (int l = 0; l < 8; l++) most = Math.Max(most, lanes.GetElement(l));
        }
        for (; j < x.Length; j++) most = Math.Max(most, BitConverter.SingleToInt32Bits(x[j]) & magnitude);
        return BitConverter.Int32BitsToSingle(most);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Sum(sbyte* codes, int count)
    {
        var sum = Vector128<int>.Zero;
        for (int j = 0; j < count; j += 16)
        {
            var (low, high) = Vector128.Widen(Vector128.Load(codes + j));
            var (a, b) = Vector128.Widen(low + high);
            sum += a + b;
        }
        return Vector128.Sum(sum);
    }

    // Value number i of a short stripe of t values, s = ⌈t·width/8⌉ bytes, meets byte i mod s, part i / s.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Arrange(sbyte* target, PackedLayout layout, int start, int width, PackedSegment[] segments)
    {
        int t = layout.Columns - start, parts = 8 / width, s = (t * width + 7) / 8;
        foreach (var segment in segments)
        {
            new Span<sbyte>(target, parts * Stripe).Clear();
            for (int j = segment.First; j < segment.End; j++) target[(j - start) / s * Stripe + (j - start) % s] = Codes[j];
            target += parts * Stripe;
        }
    }
}
