using System.Buffers;
using System.Numerics.Tensors;

namespace Quarank.Numerics.Lattice;

/// <summary>
/// A codebook of 2, 3 or 4 bits a weight for groups of eight: E8P alone, or with a second book for what it leaves, one bit by <see cref="E8Shell"/>
/// or two by E8P again. A code is the 16 bits of E8P and, above them, those of the second book.
/// </summary>
public sealed class LatticeBook
{
    private LatticeBook(int bits, double bestScale, float residualScale) => (Bits, BestScale, ResidualScale) = (bits, bestScale, residualScale);

    /// <summary>2, 3 or 4.</summary>
    public int Bits { get; }

    /// <summary>By what unit Gaussian weights are best multiplied before they are rounded.</summary>
    public double BestScale { get; }

    /// <summary>By what the rest of the first book is multiplied before the second one rounds it; 0 = there is none.</summary>
    public float ResidualScale { get; }

    /// <summary>Bytes of the second book's code.</summary>
    public int ResidualBytes => Bits - 2;

    /// <exception cref="ArgumentException">There is no book of these bits.</exception>
    public static LatticeBook Of(int bits) => bits switch
    {
        2 => Two,
        3 => Three,
        4 => Four,
        _ => throw new ArgumentException($"The lattice has books of 2, 3 and 4 bits, not {bits}."),
    };

    private static LatticeBook Two { get; } = new(2, 1.03, 0);
    private static LatticeBook Three { get; } = new(3, 0.98, 2.04f);
    private static LatticeBook Four { get; } = new(4, 1.03, 3.45f);

    /// <summary>The code for eight values, and in <paramref name="rounded"/> what it stands for.</summary>
    public uint Round(ReadOnlySpan<float> x, Span<float> rounded)
    {
        uint code = E8Codebook.Nearest(x);
        E8Codebook.Decode((ushort)code, rounded);
        if (Bits == 2) return code;
        Span<float> rest = stackalloc float[E8Codebook.Dimension];
        for (int i = 0; i < rest.Length; i++) rest[i] = (x[i] - rounded[i]) * ResidualScale;
        code |= (uint)(Bits == 3 ? E8Shell.Nearest(rest) : E8Codebook.Nearest(rest)) << 16;
        Decode(code, rounded);
        return code;
    }

    /// <summary>
    /// Rounds many points side by side, coordinate i of point r at i · stride + r: the nearest of each, and the best one of the other shift of E8P after
    /// it, for who measures nearness in another norm.
    /// </summary>
    /// <param name="stride">A multiple of eight, at least <paramref name="count"/>.</param>
    /// <param name="choices">1, the nearest alone; or 2.</param>
    /// <param name="values">What the codes stand for: eight rows, and eight more for the second choice.</param>
    /// <param name="codes">Of the first choice; those of the second are <paramref name="stride"/> further on.</param>
    public void Round(ReadOnlySpan<float> x, int stride, int count, int choices, Span<float> values, Span<ulong> codes)
    {
        const int dimension = E8Codebook.Dimension;
        ushort[] rented = ArrayPool<ushort>.Shared.Rent(2 * stride);
        Span<ushort> first = rented.AsSpan(0, stride), second = rented.AsSpan(stride, stride);
        E8Search.Nearest(x, stride, count, values, first, choices == 1 ? [] : second);
        for (int r = 0; r < count; r++) codes[r] = first[r];
        for (int r = 0; r < count && choices > 1; r++) codes[stride + r] = second[r];
        if (Bits > 2)
            for (int choice = 0; choice < choices; choice++)
                Add(x, stride, count, values.Slice(choice * dimension * stride, dimension * stride), codes.Slice(choice * stride, stride), first);
        ArrayPool<ushort>.Shared.Return(rented);
    }

    // The second book's codes and values for what the first leaves.
    private void Add(ReadOnlySpan<float> x, int stride, int count, Span<float> values, Span<ulong> codes, Span<ushort> found)
    {
        const int dimension = E8Codebook.Dimension;
        float[] rented = ArrayPool<float>.Shared.Rent(2 * dimension * stride);
        Span<float> rest = rented.AsSpan(0, dimension * stride), rounded = rented.AsSpan(dimension * stride, dimension * stride);
        TensorPrimitives.Subtract(x[..rest.Length], values, rest);
        TensorPrimitives.Multiply(rest, ResidualScale, rest);
        if (Bits == 4) E8Search.Nearest(rest, stride, count, rounded, found, []);
        else
        {
            byte[] small = ArrayPool<byte>.Shared.Rent(stride);
            Span<float> point = stackalloc float[dimension];
            E8Shell.Nearest(rest, stride, count, small);
            for (int r = 0; r < count; r++)
            {
                E8Shell.Decode(small[r], point);
                found[r] = small[r];
                for (int i = 0; i < dimension; i++) rounded[i * stride + r] = point[i];
            }
            ArrayPool<byte>.Shared.Return(small);
        }
        for (int r = 0; r < count; r++) codes[r] |= (ulong)found[r] << 16;
        for (int i = 0; i < dimension; i++)
        {
            var row = rounded.Slice(i * stride, count);
            TensorPrimitives.Divide(row, ResidualScale, row);
            TensorPrimitives.Add(values.Slice(i * stride, count), row, values.Slice(i * stride, count));
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    /// <summary>The eight values of a code.</summary>
    public void Decode(uint code, Span<float> values)
    {
        E8Codebook.Decode((ushort)code, values);
        if (Bits == 2) return;
        Span<float> rest = stackalloc float[E8Codebook.Dimension];
        if (Bits == 3) E8Shell.Decode((byte)(code >> 16), rest);
        else E8Codebook.Decode((ushort)(code >> 16), rest);
        for (int i = 0; i < rest.Length; i++) values[i] += rest[i] / ResidualScale;
    }
}
