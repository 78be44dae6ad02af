using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>The factorization of one layer: blocks one after the other, each of what those before it left.</summary>
/// <param name="y">Lower triangular, H = Y Yᵀ with the damped H.</param>
/// <param name="feedback">For Q's rounding: of <see cref="FeedbackFactor"/>.</param>
/// <param name="note">Told of a factorization that did not converge.</param>
internal sealed class LordqFactors(Lordq method, Matrix<double> y, Matrix<float>? feedback, LayerShape shape, Action<string>? note)
{
    private readonly LordqRefit _refit = new(method, y, feedback);
    private readonly (int Count, int PBits, int QBits)[] _bands =
        [.. method.Bands(shape.Rows, shape.Columns, method.RankFor(shape.Rows, shape.Columns))];

    /// <summary>Blocks whose products add up to something close to a matrix, rows × columns, in the norm of Y.</summary>
    public List<LordqBlock> Of(Matrix<double> matrix)
    {
        // As printed nothing is solved for against W Y: only its leading vectors are wanted, which are sought in floats too.
        var target = method.Refit ? LinearAlgebra.TimesLower(matrix, y) : LinearAlgebra.TimesLowerInSingle(matrix, y);
        var residual = method.Refit ? target.Clone() : target;
        var blocks = new List<LordqBlock>();
        for (int band = 0; band < _bands.Length; band++)
        {
            // The last band is cut into K blocks; leading ones are a block each.
            int count = _bands[band].Count, cuts = band == _bands.Length - 1 ? method.Blocks : 1;
            for (int k = 0; k < cuts; k++)
            {
                int size = count / cuts + (k < count % cuts ? 1 : 0);
                // Nobody asks what the last block leaves, unless the blocks are then mended.
                bool last = band == _bands.Length - 1 && k == cuts - 1;
                if (size > 0) blocks.Add(Fit(residual, band, size, subtract: !last || method.Refit));
            }
        }
        if (method.Refit) Mend(target, residual, blocks);
        return blocks;
    }

    // The best block of so many components for the residual, which is left without it if somebody will look.
    private LordqBlock Fit(Matrix<double> residual, int band, int count, bool subtract = true)
    {
        var (_, pBits, qBits) = _bands[band];
        var top = TopRank.Factor(residual, count, method.ExactOrder);
        if (!top.Converged) note?.Invoke($"the top {count} components were still changing after {top.Passes} passes");
        var block = new LordqBlock(band, new(method.GridOf(pBits), count, residual.Rows), new(method.GridOf(qBits), count, residual.Columns));
        if (method.Refit) _refit.Quantize(residual, top, block);
        else LordqPrinted.Quantize(y, top, block, method.Compensation);
        if (subtract) TensorPrimitives.Subtract(residual.Data, block.Image(y).Data, residual.Data);
        return block;
    }

    // What blocks that were fitted one after the other can still gain from one another; only what lowers the loss is kept.
    private void Mend(Matrix<double> target, Matrix<double> residual, List<LordqBlock> blocks)
    {
        if (blocks.Count > 1) _refit.Together(target, ref residual, blocks);
        for (int sweep = 0; sweep < method.Sweeps; sweep++)
        {
            for (int k = 0; k < blocks.Count; k++)
            {
                var old = blocks[k];
                var without = residual.Clone();
                TensorPrimitives.Add(without.Data, old.Image(y).Data, without.Data);
                var anew = Fit(without, old.Band, old.Count);
                if (Loss(without) >= Loss(residual)) continue;
                (blocks[k], residual) = (anew, without);
            }
            if (blocks.Count > 1) _refit.Together(target, ref residual, blocks);
        }
    }

    internal static double Loss(Matrix<double> residual) => TensorPrimitives.SumOfSquares<double>(residual.Data);
}
