using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>The norms around one half f of a block: y = sum(x + output(f(input(x)))), each where it is there.</summary>
internal sealed class ResidualPart<T>(Residual around, string name) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly NormPart<T>? _input = NormPart<T>.Of(around.Input, $"{name} input norm"),
        _output = NormPart<T>.Of(around.Output, $"{name} output norm"), _sum = NormPart<T>.Of(around.Sum, $"{name} sum norm");
    private readonly Room<T> _states = new(), _gradient = new();
    private Matrix<T> _kept = new(0, 0);

    public IEnumerable<Parameter<T>> Parameters => new[] { _input, _output, _sum }.OfType<NormPart<T>>().SelectMany(n => n.Parameters);

    /// <summary>What the half reads.</summary>
    public Matrix<T> Enter(Matrix<T> x) => _input is null ? x : _input.Forward(x);

    /// <param name="x">What <see cref="Enter"/> got.</param>
    /// <param name="result">What the half made of it.</param>
    public Matrix<T> Leave(Matrix<T> x, Matrix<T> result)
    {
        var y = _states.Fit(x.Rows, x.Columns);
        Add(x, _output is null ? result : _output.Forward(result), y);
        return _sum is null ? y : _sum.Forward(y);
    }

    /// <summary>The gradient of the half's result.</summary>
    public Matrix<T> BackwardOfLeave(Matrix<T> dy)
    {
        _kept = _sum is null ? dy : _sum.Backward(dy);
        return _output is null ? _kept : _output.Backward(_kept);
    }

    /// <param name="dEntered">The gradient of what the half read.</param>
    /// <returns>The gradient of x.</returns>
    public Matrix<T> BackwardOfEnter(Matrix<T> dEntered)
    {
        var dx = _gradient.Fit(_kept.Rows, _kept.Columns);
        Add(_kept, _input is null ? dEntered : _input.Backward(dEntered), dx);
        return dx;
    }

    private static void Add(Matrix<T> a, Matrix<T> b, Matrix<T> sum) =>
        RowWise.For(a.Rows, (first, count) => TensorPrimitives.Add(a.RowRange(first, count), b.RowRange(first, count), sum.RowRange(first, count)));
}
