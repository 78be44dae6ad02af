using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>
/// E‖W x − A x − B z‖² of a layer whose part B reads the rounded input z and whose part A reads x itself (spec §4.1's J; house §5: one least-squares
/// problem), from Σx, Σz and Σxz: tr(D Σx Dᵀ) − 2 tr(D Σxz Bᵀ) + tr(B Σz Bᵀ) with D = W − A.
/// </summary>
internal static class RoundedLoss
{
    /// <summary>A and B of a layer; null for a part that is not there.</summary>
    /// <exception cref="NotSupportedException">A rounding part stands inside a form that turns or multiplies.</exception>
    public static (Matrix<float>? Unrounded, Matrix<float>? Rounded) Parts(Linear layer)
    {
        if (!layer.RoundsInput) return (layer.ToDense(), null);
        if (layer is QuantizedInputLinear quantized) return (null, quantized.Inner.ToDense());
        if (layer is not SumLinear sum) throw new NotSupportedException($"The loss of a {layer.GetType().Name} around a rounded input is not known.");
        var (a, b) = ((Matrix<float>?)null, (Matrix<float>?)null);
        foreach (var (x, z) in sum.Terms.Select(Parts)) (a, b) = (Plus(a, x), Plus(b, z));
        return (a, b);
    }

    /// <summary>J, not relative to anything.</summary>
    public static double Of(Matrix<double> d, Matrix<double> b, Matrix<double> gram, RoundedStatistics rounded)
    {
        // ⟨D, D Σx − 2 B Σxzᵀ⟩ + ⟨B, B Σz⟩
        var left = LinearAlgebra.Multiply(d, gram);
        var cross = LinearAlgebra.MultiplyTransposed(b, rounded.Cross);
        TensorPrimitives.MultiplyAdd(cross.Data, -2.0, left.Data, left.Data);
        return Inner(d, left) + Inner(b, LinearAlgebra.Multiply(b, rounded.Gram));
    }

    /// <summary>J of a stored layer over E‖W x‖², both of unweighted tokens.</summary>
    public static double Relative(LayerProblem problem, Linear layer)
    {
        var (gram, rounded) = (problem.Inputs.Plain ?? problem.Inputs.Gram, problem.Inputs.Rounded!.Plain ?? problem.Inputs.Rounded);
        var (a, b) = Parts(layer);
        Matrix<double> w = Wide(problem.Weight), d = a is null ? w : Minus(w, Wide(a));
        var z = Wide(b!);
        if (problem.RowFactors is { } factors)
        {
            // Rows as they were before factors were folded into them.
            foreach (var rows in new[] { w, d, z }.Distinct())
                for (int i = 0; i < rows.Rows; i++) TensorPrimitives.Multiply(rows.Row(i), (double)factors[i], rows.Row(i));
        }
        double total = Inner(w, LinearAlgebra.Multiply(w, gram)), error = Math.Max(0, Of(d, z, gram, rounded));
        return total > 0 ? error / total : error > 0 ? double.PositiveInfinity : 0;
    }

    public static Matrix<double> Wide(Matrix<float> a)
    {
        var wide = new Matrix<double>(a.Rows, a.Columns);
        TensorPrimitives.ConvertChecked<float, double>(a.Data, wide.Data);
        return wide;
    }

    public static Matrix<double> Minus(Matrix<double> a, Matrix<double> b)
    {
        var d = a.Clone();
        TensorPrimitives.Subtract(d.Data, b.Data, d.Data);
        return d;
    }

    private static Matrix<float>? Plus(Matrix<float>? a, Matrix<float>? b)
    {
        if (a is null || b is null) return a ?? b;
        TensorPrimitives.Add(a.Data, b.Data, a.Data);
        return a;
    }

    private static double Inner(Matrix<double> a, Matrix<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Rows; i++) sum += TensorPrimitives.Dot<double>(a.Row(i), b.Row(i));
        return sum;
    }
}
