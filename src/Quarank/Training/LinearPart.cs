using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>y = x Wᵀ + bias, tokens × features.</summary>
internal sealed class LinearPart<T>(Parameter<T> weight, Parameter<T>? bias) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Room<T> _result = new();
    private Matrix<T> _x = new(0, 0);

    /// <param name="x">Must stay as it is until <see cref="Backward"/>.</param>
    public Matrix<T> Forward(Matrix<T> x)
    {
        _x = x;
        var y = _result.Fit(x.Rows, weight.Value.Rows);
        LinearAlgebra.Product<T>(x, false, weight.Value, true, y);
        if (bias is not null)
            RowWise.For(y.Rows, (first, count) =>
            {
                for (int t = first; t < first + count; t++) TensorPrimitives.Add(y.Row(t), bias.Value.Row(0), y.Row(t));
            });
        return y;
    }

    /// <summary>∂x = ∂y W, ∂W = ∂yᵀ x, ∂bias = Σ ∂y.</summary>
    /// <param name="dx">Filled; or added to, where several parts read one x.</param>
    public void Backward(Matrix<T> dy, Matrix<T> dx, bool add = false)
    {
        if (weight.Gradient is { } dw) LinearAlgebra.Product<T>(dy, true, _x, false, dw);
        if (bias?.Gradient is { } db) ColumnSums.Of(dy, null, db);
        LinearAlgebra.Product<T>(dy, false, weight.Value, false, dx, add);
    }
}
