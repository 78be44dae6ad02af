using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>LRC's alternation on one layer; letters as in spec §4.2.</summary>
internal sealed class LrcLayer
{
    private readonly Lrc _method;
    private readonly LayerProblem _problem;
    private readonly RoundedStatistics _rounded;
    private readonly Matrix<double> _w, _x, _rootX, _rootZ;
    private readonly int _rank;

    public LrcLayer(Lrc method, LayerProblem problem, RoundedStatistics rounded)
    {
        (_method, _problem, _rounded, _x) = (method, problem, rounded, problem.Inputs.Gram);
        _rank = method.RankFor(new(problem.Name, problem.Rows, problem.Columns));
        _w = DampedGram.LiveWeight(problem, DampedGram.DeadColumns(problem));
        _rootX = Root(_x);
        _rootZ = Root(rounded.Gram);
    }

    public Linear Compress()
    {
        if (_method.FitTo == LrcFit.Weights) return Plain();
        (Linear Layer, LrcFactors? Factors, double Loss)? best = null;
        var begun = _rank == 0 ? null : Start();
        var product = begun?.Product();
        for (int t = 0; t < _method.Iterations; t++)
        {
            var layer = Weights(product);
            var decoded = RoundedLoss.Wide(layer.ToDense());
            // Factors of few bits may be better before the weight is fitted to them than rounded after it.
            double loss = Loss(product, decoded);
            var factors = begun;
            if (_rank > 0)
            {
                var next = Factors(decoded);
                var nextProduct = next.Product();
                double nextLoss = Loss(nextProduct, decoded);
                if (nextLoss < loss) (factors, loss) = (next, nextLoss);
                (begun, product) = (next, nextProduct);
            }
            _problem.Note?.Invoke(FormattableString.Invariant($"iteration {t + 1}: J {loss / Loss(null, new(_problem.Rows, _problem.Columns)):g4}, rank {_rank}"));
            if (best is null || loss < best.Value.Loss) best = (layer, factors, loss);
            if (_rank == 0) break;      // nothing to take turns with
        }
        var quantized = new QuantizedInputLinear(_rounded.Rounder, best!.Value.Layer);
        return best.Value.Factors is { } kept ? new SumLinear([quantized, kept.ToLinear()]) : quantized;
    }

    // Ŵ as the inner method makes it of W, and the best product for what it leaves, neither knowing of the rounded input.
    private SumLinear Plain()
    {
        var layer = _method.Inner.Compress(_problem);
        var left = RoundedLoss.Minus(_w, RoundedLoss.Wide(layer.ToDense()));
        var u = Transposed(TopRank.Factor(left, _rank).U);
        return new([new QuantizedInputLinear(_rounded.Rounder, layer), new LrcFactors(u, LinearAlgebra.Multiply(u, left), _method.FactorBits).ToLinear()]);
    }

    /// <summary>(c) the factors that are best beside a Ŵ of any numbers: top eigenvectors of W (Σx − Σxz Σz⁻¹ Σxzᵀ) Wᵀ.</summary>
    internal LrcFactors Start()
    {
        var half = _rounded.Cross.Clone();
        LinearAlgebra.SolveLowerRight(_rootZ, half, transpose: true);
        var unseen = RoundedLoss.Minus(_x, LinearAlgebra.MultiplyTransposed(half, half));
        LinearAlgebra.Symmetrize(unseen);
        Matrix<double> u;
        if (_w.Rows <= _w.Columns)
        {
            var gram = LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(_w, unseen), _w);
            LinearAlgebra.Symmetrize(gram);
            u = SymmetricEigen.Top(gram, _rank).Vectors;
        }
        else
        {
            // Fewer inputs than outputs: a root of the smaller matrix; what rounding made negative is nothing.
            var eigen = SymmetricEigen.All(unseen);
            for (int i = 0; i < eigen.Values.Length; i++)
            {
                var row = eigen.Vectors.Row(i);
                TensorPrimitives.Multiply(row, Math.Sqrt(Math.Max(0, eigen.Values[i])), row);
            }
            u = Transposed(TopRank.Factor(LinearAlgebra.MultiplyTransposed(_w, eigen.Vectors), _rank).U);
        }
        return new(u, LinearAlgebra.Multiply(u, _w), _method.FactorBits);
    }

    /// <summary>(a) Ŵ for U Vᵀ as it stands: the inner method's, for what of it the rounded input can give.</summary>
    internal Linear Weights(Matrix<double>? product)
    {
        var target = LinearAlgebra.Multiply(product is null ? _w : RoundedLoss.Minus(_w, product), _rounded.Cross);
        Solve(_rootZ, target);
        var single = new Matrix<float>(target.Rows, target.Columns);
        TensorPrimitives.ConvertSaturating<double, float>(target.Data, single.Data);
        return _method.Inner.Compress(_problem with { Weight = single, Inputs = new(_problem.Inputs.Tokens, _rounded.Gram) });
    }

    /// <summary>(b) U Vᵀ for Ŵ as it stands: the best of its rank for W − Ŵ Σxzᵀ Σx⁻¹ under Σx.</summary>
    internal LrcFactors Factors(Matrix<double> decoded)
    {
        var lost = LinearAlgebra.MultiplyTransposed(decoded, _rounded.Cross);
        Solve(_rootX, lost);
        var target = RoundedLoss.Minus(_w, lost);
        var u = Transposed(TopRank.Factor(LinearAlgebra.TimesLower(target, _rootX), _rank).U);
        return new(u, LinearAlgebra.Multiply(u, target), _method.FactorBits);
    }

    /// <summary>J with the matrices that are fitted to, undamped.</summary>
    internal double Loss(Matrix<double>? product, Matrix<double> decoded) =>
        RoundedLoss.Of(product is null ? _w : RoundedLoss.Minus(_w, product), decoded, _x, _rounded);

    // b ← b (L Lᵀ)⁻¹.
    private static void Solve(Matrix<double> lower, Matrix<double> b)
    {
        LinearAlgebra.SolveLowerRight(lower, b, transpose: true);
        LinearAlgebra.SolveLowerRight(lower, b);
    }

    private static Matrix<double> Transposed(Matrix<double> a) => Numerics.Hadamard.Incoherence.Transpose(a);

    // L of a matrix with λ · mean(diag Σx) on its diagonal; dead inputs, and those that are always rounded to zero, have a 1 there.
    private Matrix<double> Root(Matrix<double> h)
    {
        var dead = new bool[h.Rows];
        for (int j = 0; j < dead.Length; j++) dead[j] = h[j, j] == 0;
        double ratio = LinearAlgebra.Trace(h) > 0 ? LinearAlgebra.Trace(_x) / LinearAlgebra.Trace(h) : 1;
        return DampedGram.Cholesky(_problem with { Inputs = new(_problem.Inputs.Tokens, h) }, _method.Damping * ratio, dead, DampingOf.Mean);
    }
}
