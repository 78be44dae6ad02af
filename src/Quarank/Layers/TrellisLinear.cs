using Quarank.Checkpoints;
using Quarank.Numerics.Trellis;

namespace Quarank.Layers;

/// <summary>Trellis codes (<see cref="TrellisCode"/>): rings of 64 rows and two columns, one scale.</summary>
/// <param name="Bits">1.5 to 4 in halves.</param>
/// <param name="StateBits">Bits that the values of a place depend on.</param>
public sealed record TrellisFormat(double Bits, int StateBits) : LinearFormat
{
    /// <summary>Every bit a rows × columns matrix of this form takes in a file: rings, of rows and columns that fill the last ones up too, and the scale.</summary>
    public long BitsOf(int rows, int columns) =>
        8L * TrellisMatrix.PanelsOf(rows) * TrellisMatrix.PairsOf(columns) * TrellisPacking.BytesOf(TrellisCode.Of(Bits, StateBits).SymbolBits) + 32;

    public override Linear Load(StoredTensors tensors, int rows, int columns)
    {
        var rings = tensors["rings"];
        try
        {
            return new TrellisLinear(TrellisCode.Of(Bits, StateBits), rows, columns, rings.ReadBytes(), tensors["scale"].ReadAll() is [var scale] ? scale : float.NaN);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{rings.Name}: not the {rows}x{columns} trellis of {Bits} bits that config.json describes: {e.Message}", e);
        }
    }
}

/// <summary>A matrix of trellis codes (<see cref="TrellisFormat"/>); tensors <c>rings</c>, panel by panel and pair of columns by pair, and <c>scale</c>.</summary>
public sealed class TrellisLinear : CodedLinear
{
    private readonly byte[] _rings;
    private readonly float _scale;

    /// <summary>Wraps packed rings; the array is not copied.</summary>
    /// <exception cref="ArgumentException">The number of bytes does not fit, or the scale is not finite.</exception>
    public TrellisLinear(TrellisCode code, int rows, int columns, byte[] rings, float scale) : base(rows, columns, new TrellisMatrix(code, rows, columns, rings, scale)) =>
        (Format, _rings, _scale) = (new(code.SymbolBits / 2.0, code.StateBits), rings, scale);

    public override TrellisFormat Format { get; }
    public override long Bits => Format.BitsOf(Rows, Columns);

    /// <summary>What decoded values are multiplied by.</summary>
    public float Scale => _scale;

    /// <summary>The same codes with another scale.</summary>
    internal TrellisLinear WithScale(float scale) => new(TrellisCode.Of(Format.Bits, Format.StateBits), Rows, Columns, _rings, scale);

    public override void Save(StoredTensors tensors)
    {
        int panels = TrellisMatrix.PanelsOf(Rows), pairs = TrellisMatrix.PairsOf(Columns);
        tensors.Add("rings", StoredTensor.FromBytes("rings", ElementType.U8, _rings, panels, pairs, TrellisPacking.BytesOf((int)(2 * Format.Bits))));
        tensors.Add("scale", StoredTensor.FromValues("scale", new[] { _scale }, 1));
    }
}
