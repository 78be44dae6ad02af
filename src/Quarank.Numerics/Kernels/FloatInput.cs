using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>A vector of activations as it is, with what the kernels need beside it.</summary>
internal sealed unsafe class FloatInput
{
    private const int Block = ByteInput.Block, Line = 64;
    private byte[] _memory = [];
    private PackedLayout? _plain;

    public PackedInput Pointers { get; private set; }

    /// <summary>Takes x for a matrix of this layout. One buffer serves every matrix; it grows to the largest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(ReadOnlySpan<float> x, PackedLayout layout)
    {
        int values = (x.Length + Block - 1) / Block * Block;
        int size = 4 * (values + layout.Units + layout.Groups + 16) + Line;
        if (_memory.Length < size) _memory = GC.AllocateUninitializedArray<byte>(size + size / 2, pinned: true);
        float* at = (float*)(((nint)Unsafe.AsPointer(ref _memory[0]) + Line - 1) & -Line), units = at + values, sums = units + layout.Units + 8;
        x.CopyTo(new Span<float>(at, values));
        new Span<float>(at + x.Length, values - x.Length).Clear();
        new Span<float>(units, layout.Units).Fill(1);
        new Span<float>(units + layout.Units, 8).Clear();
        new Span<float>(sums, layout.Groups + 8).Clear();
        for (int u = 0; u < layout.Units; u++) sums[u * layout.UnitSize / layout.GroupSize] += Sum(at + u * layout.UnitSize, layout.UnitSize);
        Pointers = new() { Values = at, UnitScales = units, GroupSums = sums };
    }

    /// <summary>Takes x alone.</summary>
    public void Fill(ReadOnlySpan<float> x)
    {
        if (_plain?.Columns != x.Length) _plain = new PackedLayout(x.Length, 8, x.Length);
        Fill(x, _plain);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(float* x, int count)
    {
        var sum = Vector256<float>.Zero;
        for (int j = 0; j < count; j += 8) sum += Vector256.Load(x + j);
        return PackedLanes.Total(sum);
    }
}
