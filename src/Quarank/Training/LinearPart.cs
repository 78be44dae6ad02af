using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Training;

/// <summary>y = x Wᵀ + bias, tokens × features.</summary>
/// <param name="input">What x is rounded by before the product; null for nothing.</param>
internal sealed class LinearPart<T>(Parameter<T> weight, Parameter<T>? bias, InputRounder? input = null) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Room<T> _result = new(), _rounded = new(), _back = new();
    private Matrix<T> _given = new(0, 0), _read = new(0, 0);

    /// <summary>What x is rounded by; null for nothing.</summary>
    public InputRounder? Input { get; set; } = input;

    /// <param name="x">Must stay as it is until <see cref="Backward"/>.</param>
    public Matrix<T> Forward(Matrix<T> x)
    {
        (_given, _read) = (x, Input is { } rounder ? Rounded(x, rounder) : x);
        var y = _result.Fit(x.Rows, weight.Value.Rows);
        LinearAlgebra.Product<T>(_read, false, weight.Value, true, y);
        if (bias is not null)
            RowWise.For(y.Rows, (first, count) =>
            {
                for (int t = first; t < first + count; t++) TensorPrimitives.Add(y.Row(t), bias.Value.Row(0), y.Row(t));
            });
        return y;
    }

    /// <summary>∂x = ∂y W, ∂W = ∂yᵀ x, ∂bias = Σ ∂y. With x̂ in the place of x, ∂x is ∂x̂ where x is within the range, and 0 beyond.</summary>
    /// <param name="dx">Filled; or added to, where several parts read one x.</param>
    public void Backward(Matrix<T> dy, Matrix<T> dx, bool add = false)
    {
        if (weight.Gradient is { } dw) LinearAlgebra.Product<T>(dy, true, _read, false, dw);
        if (bias?.Gradient is { } db) ColumnSums.Of(dy, null, db);
        if (Input is not { Clamps: true } rounder)
        {
            LinearAlgebra.Product<T>(dy, false, weight.Value, false, dx, add);
            return;
        }
        var back = _back.Fit(dx.Rows, dx.Columns);
        LinearAlgebra.Product<T>(dy, false, weight.Value, false, back);
        RowWise.For(dx.Rows, (first, count) =>
        {
            var (x, d) = (new float[dx.Columns], new float[dx.Columns]);
            for (int t = first; t < first + count; t++)
            {
                TensorPrimitives.ConvertChecked<T, float>(_given.Row(t), x);
                Array.Fill(d, 1);
                rounder.ClearBeyond(x, d);
                var to = dx.Row(t);
                for (int j = 0; j < to.Length; j++)
                {
                    var slope = d[j] == 0 ? T.Zero : back[t, j];
                    to[j] = add ? to[j] + slope : slope;
                }
            }
        });
    }

    private Matrix<T> Rounded(Matrix<T> x, InputRounder rounder)
    {
        var rounded = _rounded.Fit(x.Rows, x.Columns);
        RowWise.For(x.Rows, (first, count) =>
        {
            var (from, to) = (new float[x.Columns], new float[x.Columns]);
            for (int t = first; t < first + count; t++)
            {
                TensorPrimitives.ConvertChecked<T, float>(x.Row(t), from);
                rounder.Round(from, to);
                TensorPrimitives.ConvertChecked<float, T>(to, rounded.Row(t));
            }
        });
        return rounded;
    }
}
