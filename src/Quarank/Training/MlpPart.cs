using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>The feed-forward half of a block, forward and backward.</summary>
internal abstract class FeedForwardPart<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    public virtual IEnumerable<Parameter<T>> Parameters => [];

    public abstract Matrix<T> Forward(Matrix<T> x);

    /// <returns>The gradient of x.</returns>
    public abstract Matrix<T> Backward(Matrix<T> dy);
}

/// <summary>down(f(gate x) · up x), or down(f(up x)).</summary>
/// <param name="inputs">gate and up; or one that holds both; or up alone.</param>
internal sealed class MlpPart<T>(ModelSpec spec, LinearPart<T>[] inputs, LinearPart<T> output) : FeedForwardPart<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Columns<T> _split = new(spec.IntermediateSize, spec.IntermediateSize);
    private readonly Room<T> _active = new(), _value = new(), _slope = new(), _dActive = new(), _dGate = new(), _dUp = new(), _gradient = new();
    private Matrix<T> _gate = new(0, 0);
    private Matrix<T>? _up;

    public override Matrix<T> Forward(Matrix<T> x)
    {
        Matrix<T>[] read = spec.GatedMlp && inputs is [var both] ? _split.Apart(both.Forward(x)) : [.. inputs.Select(i => i.Forward(x))];
        (_gate, _up) = (read[0], read.Length > 1 ? read[1] : null);
        Matrix<T> active = _active.Fit(x.Rows, spec.IntermediateSize), value = _value.Fit(x.Rows, spec.IntermediateSize), slope = _slope.Fit(x.Rows, spec.IntermediateSize);
        RowWise.For(x.Rows, (first, count) =>
        {
            var f = value.RowRange(first, count);
            Slopes.Of<T>(spec.Activation, _gate.RowRange(first, count), f, slope.RowRange(first, count));
            if (_up is null) f.CopyTo(active.RowRange(first, count));
            else TensorPrimitives.Multiply(f, _up.RowRange(first, count), active.RowRange(first, count));
        });
        return output.Forward(active);
    }

    public override Matrix<T> Backward(Matrix<T> dy)
    {
        int tokens = dy.Rows, width = spec.IntermediateSize;
        Matrix<T> dActive = _dActive.Fit(tokens, width), dGate = _dGate.Fit(tokens, width), dUp = _dUp.Fit(_up is null ? 0 : tokens, width);
        output.Backward(dy, dActive);
        Matrix<T> value = _value.Fit(tokens, width), slope = _slope.Fit(tokens, width);
        RowWise.For(tokens, (first, count) =>
        {
            Span<T> d = dActive.RowRange(first, count), gate = dGate.RowRange(first, count);
            TensorPrimitives.Multiply(d, slope.RowRange(first, count), gate);
            if (_up is null) return;
            TensorPrimitives.Multiply(gate, _up.RowRange(first, count), gate);
            TensorPrimitives.Multiply(d, value.RowRange(first, count), dUp.RowRange(first, count));
        });
        var dx = _gradient.Fit(tokens, spec.HiddenSize);
        if (_up is not null && inputs is [var both])
        {
            both.Backward(_split.Together([dGate, dUp]), dx);
            return dx;
        }
        inputs[0].Backward(dGate, dx);
        if (_up is not null) inputs[1].Backward(dUp, dx, add: true);
        return dx;
    }
}
