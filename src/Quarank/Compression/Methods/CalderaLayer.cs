using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>CALDERA's alternation on one layer, already rotated.</summary>
internal sealed class CalderaLayer
{
    private readonly Caldera _method;
    private readonly BlockCoded _coded;
    private readonly IBlockCode _code;
    private readonly LayerProblem _problem;
    private readonly Damped _damped;
    private readonly Matrix<double> _weight, _y;
    private readonly BlockFeedback _feedback;
    private readonly double _energy;
    private BlockCodes? _q;
    private CalderaFactors? _factors;
    private Matrix<double> _product;
    private (double Loss, BlockCodes Q, CalderaFactors Factors)? _best;

    public CalderaLayer(Caldera method, LayerProblem problem)
    {
        (_method, _coded, _problem) = (method, method.Code, problem);
        _code = _coded.Code();
        var dead = DampedGram.DeadColumns(problem);
        // One damping for all that follows: the feedback and the root are of the same matrix.
        (_damped, _feedback, _y) = DampedGram.Factor(problem, method.Damping, dead, h =>
        {
            var (feedback, pivot) = BlockFeedback.Of(h, _code.Width, Descends);
            var lower = h.Lower();
            return feedback is not null && LinearAlgebra.TryCholeskyInPlace(lower, out pivot) ? (Tuple.Create(h, feedback, lower), 0) : (null, pivot);
        });
        _weight = CalderaFactors.Wide(Rotation.LiveWeight(problem, dead));
        _product = new(problem.Rows, problem.Columns);
        _energy = Energy(_weight);
    }

    /// <param name="start">What L R is before the first Q, if not zero.</param>
    public SumLinear Compress(Matrix<float>? start)
    {
        if (start is not null) _product = CalderaFactors.Wide(start);
        for (int t = 0; t < _method.Iterations; t++)
        {
            if (_method.Start == CalderaStart.LowRank) Approximate();
            Quantize();
            if (_method.Start != CalderaStart.LowRank) Approximate();
            Report(t + 1);
        }
        return new([_best!.Value.Q.ToLinear(), new ProductLinear(_best.Value.Factors.Left, _best.Value.Factors.Right)]);
    }

    private void Quantize()
    {
        var feedback = _method.Downdate && _factors is not null ? Downdated(_factors.R) : _feedback;
        var residual = Minus(_weight, _product);
        var single = new Matrix<float>(residual.Rows, residual.Columns);
        TensorPrimitives.ConvertTruncating<double, float>(residual.Data, single.Data);
        _q = Round(feedback, single, residual);
        Keep();
    }

    private BlockCodes Round(BlockFeedback feedback, Matrix<float> weight, Matrix<double> wide)
    {
        var h = _problem.Inputs.Gram;
        var fresh = BlockCodes.WithFeedback(_code, feedback, _coded.Passes, _coded.TakesNearest, weight, h);
        // Rounding anew is a new draw of errors, which L R is not fitted to; what was there, moved to the new target, keeps what the turns have gained.
        if (_q is null || _coded.TakesNearest) return fresh;
        var moved = _q.For(feedback, Math.Max(1, _coded.Passes), weight, h);
        return Energy(Minus(wide, CalderaFactors.Wide(moved.Values))) < Energy(Minus(wide, CalderaFactors.Wide(fresh.Values))) ? moved : fresh;
    }

    // Turns after the first move the Q of the one before.
    private bool Descends => _coded.Passes > 0 || (_method.Iterations > 1 && !_coded.TakesNearest);

    private void Approximate()
    {
        var target = _q is null ? _weight : Minus(_weight, CalderaFactors.Wide(_q.Values));
        int rank = _method.RankOf(_weight.Rows, _weight.Columns);
        var factors = CalderaFactors.Of(target, _y, rank, _method.FactorBits, _method.FactorIterations);
        var product = factors.Product();
        // Rounded factors may be worse than those that are there.
        if (_factors is null || Energy(Minus(target, product)) < Energy(Minus(target, _product))) (_factors, _product) = (factors, product);
        Keep();
    }

    private void Keep()
    {
        if (_q is null || _factors is null) return;
        double loss = Energy(Minus(Minus(_weight, CalderaFactors.Wide(_q.Values)), _product));
        if (_best is null || loss < _best.Value.Loss) _best = (loss, _q, _factors);
    }

    private void Report(int iteration)
    {
        double error = Energy(Minus(Minus(_weight, CalderaFactors.Wide(_q!.Values)), _product));
        double Share(Matrix<double> part) => _energy > 0 ? Math.Sqrt(Energy(part) / _energy) : 0;
        double all = _energy > 0 ? _energy : 1;
        _problem.Note?.Invoke(FormattableString.Invariant(
            $"iteration {iteration}: error {error / all:g4}, best {_best!.Value.Loss / all:g4}, scale {_q.Scale:g4}, |QX| / |WX| {Share(CalderaFactors.Wide(_q.Values)):0.000}, |LRX| / |WX| {Share(_product):0.000}"));
    }

    // H − M V Vᵀ Mᵀ with H = M Mᵀ and V an orthonormal basis of the rows of R M: the directions that L R can still set right.
    private BlockFeedback Downdated(Matrix<double> r)
    {
        var v = TopRank.Factor(LinearAlgebra.TimesLower(r, _y), r.Rows).Vt;
        var removed = v.Clone();
        LinearAlgebra.MultiplyLowerRight(_y, removed, transpose: true);
        var h = LinearAlgebra.TransposeMultiply(removed, removed);
        double[] diagonal = new double[h.Rows];
        for (int i = 0; i < h.Rows; i++)
        {
            for (int j = 0; j < h.Columns; j++) h[i, j] = (i == j ? _damped.Diagonal[i] : _damped.Gram[i, j]) - h[i, j];
            diagonal[i] = h[i, i];
        }
        double unit = _damped.Diagonal.Average() + Math.Abs(diagonal.Average());
        for (double damping = 0.01; ; damping *= 10)
        {
            var (feedback, _) = BlockFeedback.Of(new(h, [.. diagonal.Select(d => d + damping * unit)]), _code.Width, Descends);
            if (feedback is not null) return feedback;
            if (damping > 10) throw new InvalidDataException($"{_problem.Name}: the down-dated Gram matrix is not finite.");
        }
    }

    private double Energy(Matrix<double> a) => TensorPrimitives.SumOfSquares<double>(LinearAlgebra.TimesLower(a, _y).Data);

    private static Matrix<double> Minus(Matrix<double> a, Matrix<double> b)
    {
        var d = a.Clone();
        TensorPrimitives.Subtract(d.Data, b.Data, d.Data);
        return d;
    }
}
