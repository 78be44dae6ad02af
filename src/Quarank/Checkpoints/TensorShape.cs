namespace Quarank.Checkpoints;

/// <summary>Arithmetic of shapes that does not overflow silently.</summary>
internal static class TensorShape
{
    public static string Show(IReadOnlyList<long> shape) => $"[{string.Join(", ", shape)}]";

    /// <summary>Product of the dimensions × element size; false beyond 2⁶³ or for a negative dimension.</summary>
    public static bool TryByteLength(ReadOnlySpan<long> shape, ElementType type, out long bytes)
    {
        bytes = 0;
        foreach (long d in shape) if (d < 0) return false;
        if (shape.Contains(0)) return true;

        UInt128 product = (UInt128)type.Size();
        foreach (long d in shape)
        {
            product *= (UInt128)d;
            if (product > long.MaxValue) return false;
        }
        bytes = (long)product;
        return true;
    }

    public static void CheckRange(StoredTensor tensor, long offset, int length)
    {
        if (offset < 0 || offset > tensor.ByteLength - length)
            throw new ArgumentOutOfRangeException(
                nameof(offset), $"{tensor.Description} has {tensor.ByteLength} bytes; {length} from {offset} on were asked for.");
    }
}
