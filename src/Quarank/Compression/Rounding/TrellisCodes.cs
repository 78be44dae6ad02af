using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Trellis;

namespace Quarank.Compression.Rounding;

/// <summary>A matrix in a trellis code: a ring for every 64 rows and two columns, one scale, and what they stand for.</summary>
internal sealed class TrellisCodes : BlockCodes
{
    private readonly TrellisCode _code;
    private readonly byte[] _rings;

    private TrellisCodes(TrellisCode code, byte[] rings, Matrix<float> values, float scale) : base(values, scale) => (_code, _rings) = (code, rings);

    /// <summary>With feedback, pair of columns by pair; the scale, at first the one that suits Gaussian weights, is fitted to what the codes have become.</summary>
    /// <param name="passes">Of descent.</param>
    /// <param name="h">The Gram matrix that the loss is measured with.</param>
    public static TrellisCodes WithFeedback(TrellisCode code, BlockFeedback feedback, int passes, Matrix<float> weight, Matrix<double> h)
    {
        float scale = ScaleOf(weight.Data, 1 / code.BestScale);
        // Rows that fill the last panel up have symbols too.
        int panels = TrellisMatrix.PanelsOf(weight.Rows), rows = panels * TrellisMatrix.PanelRows;
        var filled = new Matrix<float>(rows, weight.Columns);
        Divided(weight, scale).Data.CopyTo(filled.Data);
        var (symbols, rounded) = new BlockRounding(new TrellisRounder(code), feedback, passes).Round(filled);
        var values = new Matrix<float>(weight.Rows, weight.Columns, rounded.RowRange(0, weight.Rows).ToArray());
        return new(code, Packed(code, symbols, panels, TrellisMatrix.PairsOf(weight.Columns)), values, FittedScale(weight, values, scale, h));
    }

    public override TrellisLinear ToLinear() => new(_code, Values.Rows, Values.Columns, _rings, Scale);

    private static byte[] Packed(TrellisCode code, ulong[] symbols, int panels, int pairs)
    {
        int bytes = TrellisPacking.BytesOf(code.SymbolBits);
        byte[] rings = new byte[panels * pairs * bytes];
        Threads.For(panels, panel =>
        {
            Span<byte> ring = stackalloc byte[TrellisCode.Length];
            for (int pair = 0; pair < pairs; pair++)
            {
                for (int p = 0; p < ring.Length; p++) ring[p] = (byte)symbols[(panel * ring.Length + TrellisMatrix.RowOf(p)) * pairs + pair];
                TrellisPacking.Pack(ring, code.SymbolBits, rings.AsSpan((panel * pairs + pair) * bytes, bytes));
            }
        });
        return rings;
    }
}
