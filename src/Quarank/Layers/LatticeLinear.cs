using System.Runtime.InteropServices;
using Quarank.Checkpoints;
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
public sealed class LatticeLinear : CodedLinear
{
    private readonly LatticeMatrix _matrix;

    /// <summary>Takes codes; the arrays are copied.</summary>
    /// <param name="codes">Of E8P, row by row, a row beginning with a group of its own.</param>
    /// <param name="second">Of the second book, one for each of them; empty where there is none.</param>
    /// <exception cref="ArgumentException">The number of codes does not fit, or the scale is not finite.</exception>
    public LatticeLinear(LatticeBook book, int rows, int columns, ushort[] codes, ushort[] second, float scale)
        : this(new LatticeFormat(book.Bits), rows, columns, new(book, rows, columns, codes, second, scale)) { }

    private LatticeLinear(LatticeFormat format, int rows, int columns, LatticeMatrix matrix) : base(rows, columns, matrix) => (Format, _matrix) = (format, matrix);

    public override LatticeFormat Format { get; }
    public override long Bits => Format.BitsOf(Rows, Columns);

    /// <summary>What decoded points are multiplied by.</summary>
    public float Scale => _matrix.Scale;

    /// <summary>The same codes with another scale.</summary>
    internal LatticeLinear WithScale(float scale) => new(LatticeBook.Of(Format.Bits), Rows, Columns, _matrix.Codes.ToArray(), Format.Bits switch
    {
        3 => Array.ConvertAll(_matrix.Shell.ToArray(), b => (ushort)b),
        4 => _matrix.Second.ToArray(),
        _ => [],
    }, scale);

    public override void Save(StoredTensors tensors)
    {
        tensors.Add("codes", StoredTensor.FromBytes("codes", ElementType.U16, MemoryMarshal.AsBytes(_matrix.Codes).ToArray(), Rows, _matrix.Groups));
        if (Format.Bits == 3) tensors.Add("residual", StoredTensor.FromBytes("residual", ElementType.U8, _matrix.Shell.ToArray(), Rows, _matrix.Groups));
        if (Format.Bits == 4) tensors.Add("residual", StoredTensor.FromBytes("residual", ElementType.U16, MemoryMarshal.AsBytes(_matrix.Second).ToArray(), Rows, _matrix.Groups));
        tensors.Add("scale", StoredTensor.FromValues("scale", new[] { Scale }, 1));
    }
}
