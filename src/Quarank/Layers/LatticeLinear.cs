using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Quarank.Checkpoints;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Numerics.Lattice;

namespace Quarank.Layers;

/// <summary>E8 lattice codes for eight weights of a row each, one scale: 16 bits (2 a weight), and a second book's 8 or 16 for 3 or 4.</summary>
/// <param name="Bits">2, 3 or 4.</param>
public sealed record LatticeFormat(int Bits) : LinearFormat
{
    /// <summary>Every bit a rows × columns matrix of this form takes in a file: codes, of a last group too, and the scale.</summary>
    public long BitsOf(int rows, int columns) => 8L * Bits * rows * GroupsOf(columns) + 32;

    internal static int GroupsOf(int columns) => (columns + E8Codebook.Dimension - 1) / E8Codebook.Dimension;

    public override Linear Load(StoredTensors tensors, int rows, int columns)
    {
        var codes = tensors["codes"];
        try
        {
            var book = LatticeBook.Of(Bits);
            ushort[] second = book.ResidualBytes switch
            {
                0 => [],
                1 => Array.ConvertAll(tensors["residual"].ReadBytes(), b => (ushort)b),
                _ => MemoryMarshal.Cast<byte, ushort>(tensors["residual"].ReadBytes()).ToArray(),
            };
            return new LatticeLinear(book, rows, columns, MemoryMarshal.Cast<byte, ushort>(codes.ReadBytes()).ToArray(), second, tensors["scale"].ReadAll() is [var scale] ? scale : float.NaN);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{codes.Name}: not the {rows}x{columns} lattice of {Bits} bits that config.json describes: {e.Message}", e);
        }
    }
}

/// <summary>A matrix of lattice codes (<see cref="LatticeFormat"/>); tensors <c>codes</c>, <c>residual</c> where there is a second book, <c>scale</c>.</summary>
public sealed class LatticeLinear : Linear
{
    private const int RowChunk = 64;
    private readonly LatticeBook _book;
    private readonly ushort[] _codes, _second;
    private readonly float _scale;
    private readonly int _groups;
    private readonly RowParallel.Kernel _kernel;

    /// <summary>Wraps codes; the arrays are not copied.</summary>
    /// <param name="codes">Of E8P, row by row, a row beginning with a group of its own.</param>
    /// <param name="second">Of the second book, one for each of them; empty where there is none.</param>
    /// <exception cref="ArgumentException">The number of codes does not fit, or the scale is not finite.</exception>
    public LatticeLinear(LatticeBook book, int rows, int columns, ushort[] codes, ushort[] second, float scale) : base(rows, columns)
    {
        _groups = LatticeFormat.GroupsOf(columns);
        if (codes.Length != (long)rows * _groups) throw new ArgumentException($"{rows}x{columns} weights take {(long)rows * _groups} codes, not {codes.Length}.", nameof(codes));
        if (second.Length != (book.ResidualBytes == 0 ? 0 : codes.Length))
            throw new ArgumentException($"{codes.Length} codes of {book.Bits} bits a weight do not go with {second.Length} of the second book.", nameof(second));
        if (!float.IsFinite(scale)) throw new ArgumentException("A lattice has one finite scale.", nameof(scale));
        (Format, _book, _codes, _second, _scale) = (new(book.Bits), book, codes, second, scale);
        _kernel = ApplyRows;
    }

    public override LatticeFormat Format { get; }
    public override long Bits => Format.BitsOf(Rows, Columns);

    /// <summary>What decoded points are multiplied by.</summary>
    public float Scale => _scale;

    public override void Save(StoredTensors tensors)
    {
        tensors.Add("codes", StoredTensor.FromBytes("codes", ElementType.U16, Bytes(_codes), Rows, _groups));
        if (_book.ResidualBytes == 1) tensors.Add("residual", StoredTensor.FromBytes("residual", ElementType.U8, Array.ConvertAll(_second, c => (byte)c), Rows, _groups));
        if (_book.ResidualBytes == 2) tensors.Add("residual", StoredTensor.FromBytes("residual", ElementType.U16, Bytes(_second), Rows, _groups));
        tensors.Add("scale", StoredTensor.FromValues("scale", new[] { _scale }, 1));
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(_groups * E8Codebook.Dimension);
        var row = rented.AsSpan(0, _groups * E8Codebook.Dimension);
        for (int i = 0; i < count; i++)
        {
            Decode(first + i, row);
            TensorPrimitives.Multiply(row[..Columns], _scale, rows.Slice(i * Columns, Columns));
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        // The last group may reach beyond the input, where it meets zeros.
        float[] rented = ArrayPool<float>.Shared.Rent(_groups * E8Codebook.Dimension);
        var padded = rented.AsSpan(0, _groups * E8Codebook.Dimension);
        x.CopyTo(padded);
        padded[Columns..].Clear();
        RowParallel.Run(RowChunk, padded, y, _kernel);
        ArrayPool<float>.Shared.Return(rented);
    }

    private void ApplyRows(int first, ReadOnlySpan<float> x, Span<float> y)
    {
        if (_book.Bits == 3)
        {
            float[] rented = ArrayPool<float>.Shared.Rent(x.Length);
            var row = rented.AsSpan(0, x.Length);
            for (int i = 0; i < y.Length; i++)
            {
                Decode(first + i, row);
                y[i] = TensorPrimitives.Dot(row, x) * _scale;
            }
            ArrayPool<float>.Shared.Return(rented);
            return;
        }
        for (int i = 0; i < y.Length; i++)
        {
            float sum = LatticeKernels.Dot(_codes.AsSpan((first + i) * _groups, _groups), x);
            if (_book.Bits == 4) sum += LatticeKernels.Dot(_second.AsSpan((first + i) * _groups, _groups), x) / _book.ResidualScale;
            y[i] = sum * _scale;
        }
    }

    private void Decode(int i, Span<float> row)
    {
        var codes = _codes.AsSpan(i * _groups, _groups);
        if (_book.Bits == 2)
        {
            LatticeKernels.Decode(codes, 1, row);
            return;
        }
        for (int g = 0; g < codes.Length; g++)
            _book.Decode(codes[g] | (uint)_second[i * _groups + g] << 16, row.Slice(g * E8Codebook.Dimension, E8Codebook.Dimension));
    }

    private static byte[] Bytes(ushort[] codes) => MemoryMarshal.AsBytes(codes.AsSpan()).ToArray();
}
