using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>
/// y = x̂ · gain + shift, x̂ = (x − m) r, r = 1 / √(mean (x − m)² + ε); m is the mean of x, or 0 in an RMS norm.
/// ∂x = r (∂x̂ − [mean ∂x̂] − x̂ · mean(∂x̂ x̂)), the bracket only where there is a mean, ∂x̂ = ∂y · gain.
/// </summary>
internal sealed class NormPart<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Parameter<T>? _gain, _shift;
    private readonly bool _centred;
    private readonly T _epsilon;
    private readonly Room<T> _standard = new(), _result = new(), _gradient = new();
    private T[] _scales = [];

    private NormPart(string name, bool centred, float[]? gain, float[]? shift, float epsilon)
    {
        (_centred, _epsilon) = (centred, T.CreateChecked(epsilon));
        (_gain, _shift) = (Parameter<T>.Of($"{name} gain", gain), Parameter<T>.Of($"{name} shift", shift));
    }

    /// <summary>Gain and shift, as far as there are any. The gain of a norm that multiplies by 1 + w is 1 + w.</summary>
    public IEnumerable<Parameter<T>> Parameters => new[] { _gain, _shift }.OfType<Parameter<T>>();

    /// <summary>Null for none.</summary>
    public static NormPart<T>? Of(Norm? norm, string name) => norm switch
    {
        null => null,
        RmsNorm rms => new(name, false, rms.Gain, null, rms.Epsilon),
        LayerNorm layer => new(name, true, layer.Gain, layer.Shift, layer.Epsilon),
        _ => throw new NotSupportedException($"No gradient is known of the norm {norm.GetType().Name}; known are RmsNorm and LayerNorm."),
    };

    public Matrix<T> Forward(Matrix<T> x)
    {
        if (_scales.Length < x.Rows) _scales = new T[x.Rows];
        Matrix<T> standard = _standard.Fit(x.Rows, x.Columns), y = _result.Fit(x.Rows, x.Columns);
        T size = T.CreateChecked(x.Columns);
        RowWise.For(x.Rows, (first, count) =>
        {
            for (int t = first; t < first + count; t++)
            {
                Span<T> s = standard.Row(t), row = y.Row(t);
                TensorPrimitives.Subtract(x.Row(t), _centred ? TensorPrimitives.Sum<T>(x.Row(t)) / size : T.Zero, s);
                _scales[t] = T.One / T.Sqrt(TensorPrimitives.SumOfSquares<T>(s) / size + _epsilon);
                TensorPrimitives.Multiply(s, _scales[t], s);
                s.CopyTo(row);
                if (_gain is not null) TensorPrimitives.Multiply(row, _gain.Value.Row(0), row);
                if (_shift is not null) TensorPrimitives.Add(row, _shift.Value.Row(0), row);
            }
        });
        return y;
    }

    public Matrix<T> Backward(Matrix<T> dy)
    {
        Matrix<T> standard = _standard.Fit(dy.Rows, dy.Columns), dx = _gradient.Fit(dy.Rows, dy.Columns);
        T size = T.CreateChecked(dy.Columns);
        if (_gain?.Gradient is { } dg) ColumnSums.Of(dy, standard, dg);
        if (_shift?.Gradient is { } ds) ColumnSums.Of(dy, null, ds);
        RowWise.For(dy.Rows, (first, count) =>
        {
            for (int t = first; t < first + count; t++)
            {
                Span<T> row = dx.Row(t), s = standard.Row(t);
                dy.Row(t).CopyTo(row);
                if (_gain is not null) TensorPrimitives.Multiply(row, _gain.Value.Row(0), row);
                T along = TensorPrimitives.Dot<T>(row, s) / size, mean = _centred ? TensorPrimitives.Sum<T>(row) / size : T.Zero;
                for (int i = 0; i < row.Length; i++) row[i] = _scales[t] * (row[i] - mean - s[i] * along);
            }
        });
        return dx;
    }
}
