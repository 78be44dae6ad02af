using System.Numerics.Tensors;
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

    private const int Stripe = 32;
    private byte[] _memory = [];

    /// <summary>The largest block of values, divided by 127; one per 128 values.</summary>
    public float* Scales { get; private set; }

    /// <summary>Σ scale · q over each scale group of the matrix; what an offset is multiplied by.</summary>
    public float* GroupSums { get; private set; }

    /// <summary>The codes in order, −127 … 127; zeros up to a multiple of 128 behind them.</summary>
    public sbyte* Codes { get; private set; }

    /// <summary>The same as 16-bit numbers, for 8-bit weights.</summary>
    public short* Words { get; private set; }

    /// <summary>The short stripe of the plane of the lowest bits, a copy of 8 / width · 32 values per segment.</summary>
    public sbyte* Tail { get; private set; }

    /// <summary>The short stripe of the third bit, a copy of 256 values per segment.</summary>
    public sbyte* BitTail { get; private set; }

    /// <summary>Scale · code of value j: what the products see in its place.</summary>
    public float Value(int j) => Scales[j / Block] * Codes[j];

    /// <summary>Σ of the values of scale group g.</summary>
    public float GroupSum(int g) => GroupSums[g];

    /// <summary>Rounds <paramref name="x"/> for a matrix of this layout. One buffer serves every matrix; it grows to the largest.</summary>
    public void Fill(ReadOnlySpan<float> x, PackedLayout layout)
    {
        int n = x.Length, blocks = (n + Block - 1) / Block;
        Reserve(layout, blocks);
        for (int b = 0; b < blocks; b++)
        {
            var part = x.Slice(b * Block, Math.Min(Block, n - b * Block));
            Scales[b] = Round(part, Codes + b * Block);
        }
        SumGroups(layout);
        if (layout.Bits == 8)
        {
            for (int j = 0; j < blocks * Block; j++) Words[j] = Codes[j];
            return;
        }
        Arrange(Tail, layout, layout.TailStart, layout.Bits == 4 ? 4 : 2, layout.TailSegments);
        if (layout.Bits == 3) Arrange(BitTail, layout, layout.BitTailStart, 1, layout.BitTailSegments);
    }

    private void Reserve(PackedLayout layout, int blocks)
    {
        int codes = blocks * Block, tail = layout.TailSegments.Length * 8 / (layout.Bits == 4 ? 4 : 2) * Stripe;
        int bits = layout.BitTailSegments.Length * 8 * Stripe, words = layout.Bits == 8 ? 2 * codes : 0;
        int size = 4 * blocks + 4 * layout.Groups + codes + words + tail + bits;
        if (_memory.Length < size) _memory = GC.AllocateUninitializedArray<byte>(size + size / 2 + 64, pinned: true);
        byte* at = (byte*)Unsafe.AsPointer(ref _memory[0]);
        Codes = (sbyte*)at;
        Words = (short*)(at += codes);
        Tail = (sbyte*)(at += words);
        BitTail = (sbyte*)(at += tail);
        Scales = (float*)(at += bits);
        GroupSums = (float*)(at + 4 * blocks);
    }

    private static float Round(ReadOnlySpan<float> x, sbyte* codes)
    {
        float most = Math.Abs(TensorPrimitives.MaxMagnitude(x)), scale = most / 127, inverse = scale > 0 && float.IsFinite(1 / scale) ? 1 / scale : 0;
        // An input that is not finite must not come out as a finite number.
        if (!float.IsFinite(most)) scale = float.NaN;
        int j = 0;
        if (Vector256.IsHardwareAccelerated)
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
        return inverse == 0 && scale > 0 ? 0 : scale;

        static Vector256<int> Rounded(ReadOnlySpan<float> x, Vector256<float> times) => Vector256.ConvertToInt32(Vector256.Round(Vector256.Create(x) * times));
    }

    private void SumGroups(PackedLayout layout)
    {
        for (int g = 0; g < layout.Groups; g++)
        {
            int end = Math.Min(layout.Columns, (g + 1) * layout.GroupSize);
            float sum = 0;
            for (int j = g * layout.GroupSize, stop; j < end; j = stop)
            {
                stop = Math.Min(end, (j / Block + 1) * Block);
                int whole = 0;
                for (int k = j; k < stop; k++) whole += Codes[k];
                sum += Scales[j / Block] * whole;
            }
            GroupSums[g] = sum;
        }
    }

    // Value number i of a short stripe of t values, s = ⌈t·width/8⌉ bytes, meets byte i mod s, part i / s.
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
