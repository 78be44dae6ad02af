using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Quarank.Numerics;

namespace Quarank.Checkpoints;

/// <summary>Stored F64, F32, F16 and BF16 elements ↔ floats.</summary>
internal static class FloatElements
{
    private const int Piece = 1 << 16;   // elements converted at a time: at most 512 KB of scratch

    public static void Read(StoredTensor tensor, long first, Span<float> values)
    {
        if (!IsReadable(tensor.Type)) throw Refusal(tensor);
        int size = tensor.Type.Size();
        if (first < 0 || first > tensor.Count - values.Length)
            throw new ArgumentOutOfRangeException(
                nameof(first), $"{tensor.Description} has {tensor.Count} elements; {values.Length} from {first} on were asked for.");

        byte[] scratch = tensor.Type == ElementType.F32 ? [] : ArrayPool<byte>.Shared.Rent(Math.Min(Piece, values.Length) * size);
        for (int i = 0; i < values.Length; i += Piece)
        {
            var piece = values.Slice(i, Math.Min(Piece, values.Length - i));
            var bytes = tensor.Type == ElementType.F32 ? MemoryMarshal.AsBytes(piece) : scratch.AsSpan(0, piece.Length * size);
            tensor.ReadBytes((first + i) * size, bytes);
            Convert(tensor.Type, bytes, piece);
        }
        if (scratch.Length > 0) ArrayPool<byte>.Shared.Return(scratch);
    }

    public static byte[] ToBytes(ElementType type, ReadOnlySpan<float> values)
    {
        if (!IsReadable(type)) throw new ArgumentException($"Floats are stored as F64, F32, F16 or BF16, not {type.SafetensorsName()}.", nameof(type));
        var bytes = new byte[checked(values.Length * type.Size())];
        switch (type)
        {
            case ElementType.F64: TensorPrimitives.ConvertTruncating<float, double>(values, MemoryMarshal.Cast<byte, double>(bytes.AsSpan())); break;
            case ElementType.F32: MemoryMarshal.AsBytes(values).CopyTo(bytes); break;
            case ElementType.F16: SmallFloat.SingleToHalf(values, MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan())); break;
            default: SmallFloat.SingleToBFloat16(values, MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan())); break;
        }
        return bytes;
    }

    private static bool IsReadable(ElementType type) => type is ElementType.F64 or ElementType.F32 or ElementType.F16 or ElementType.BF16;

    private static void Convert(ElementType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        switch (type)
        {
            case ElementType.F64: TensorPrimitives.ConvertTruncating<double, float>(MemoryMarshal.Cast<byte, double>(bytes), values); break;
            case ElementType.F16: SmallFloat.HalfToSingle(MemoryMarshal.Cast<byte, ushort>(bytes), values); break;
            case ElementType.BF16: SmallFloat.BFloat16ToSingle(MemoryMarshal.Cast<byte, ushort>(bytes), values); break;
        }
    }

    private static Exception Refusal(StoredTensor tensor) => tensor.Type is ElementType.F8E4M3 or ElementType.F8E5M2
        ? new NotSupportedException(
            $"{tensor.Description} is {tensor.Type.SafetensorsName()}; 8-bit floats are not supported yet. Supported: F64, F32, F16, BF16.")
        : new InvalidDataException(
            $"{tensor.Description}: expected floating-point values (F64, F32, F16, BF16), found {tensor.Type.SafetensorsName()}.");
}
