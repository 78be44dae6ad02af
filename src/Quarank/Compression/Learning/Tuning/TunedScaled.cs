using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>W = diag(g) Ŵ diag(f), either diagonal where it is there. ∂f_j = Σ_i ∂W_ij g_i Ŵ_ij, ∂g_i = Σ_j ∂W_ij Ŵ_ij f_j, ∂Ŵ = diag(g) ∂W diag(f).</summary>
internal sealed class TunedScaled<T> : TunedForm<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Strip = 256;

    private readonly TunedForm<T> _inner;
    private readonly TunedNumbers<T>? _inputs, _outputs;
    private readonly Matrix<T> _widened, _gradient;

    public TunedScaled(ScaledLinear layer) : base(layer.Rows, layer.Columns)
    {
        (_inner, _widened, _gradient) = (TunedForm<T>.Of(layer.Inner), new(Rows, Columns), new(Rows, Columns));
        if (layer.Factors is { } factors) _inputs = TunedNumbers<T>.Of(factors, TunedKind.Scales);
        if (layer.Gains is { } gains) _outputs = TunedNumbers<T>.Of(gains, TunedKind.Scales);
    }

    public override IEnumerable<TunedNumbers<T>> Numbers => [.. new[] { _inputs, _outputs }.OfType<TunedNumbers<T>>(), .. _inner.Numbers];

    public override void Widen(Matrix<T> weight)
    {
        _inner.Widen(_widened);
        Threads.For(Rows, i => Scale(i, _widened.Row(i), weight.Row(i)));
    }

    public override void Adjoint(Matrix<T> gradient)
    {
        Threads.For(Rows, i => Scale(i, gradient.Row(i), _gradient.Row(i)));
        // diag(g) ∂W diag(f) ⊙ Ŵ has f_j ∂f_j as sums of its columns and g_i ∂g_i as those of its rows; without division by what may be zero:
        if (_outputs is not null) Threads.For(Rows, i =>
        {
            T sum = T.Zero;
            ReadOnlySpan<T> d = gradient.Row(i), w = _widened.Row(i);
            for (int j = 0; j < d.Length; j++) sum += d[j] * w[j] * (_inputs is null ? T.One : _inputs.Values[j]);
            _outputs.Gradient[i] = sum;
        });
        if (_inputs is not null) Threads.For((Columns + Strip - 1) / Strip, s =>
        {
            int end = Math.Min(Columns, (s + 1) * Strip);
            Array.Clear(_inputs.Gradient, s * Strip, end - s * Strip);
            for (int i = 0; i < Rows; i++)
            {
                T g = _outputs is null ? T.One : _outputs.Values[i];
                ReadOnlySpan<T> d = gradient.Row(i), w = _widened.Row(i);
                for (int j = s * Strip; j < end; j++) _inputs.Gradient[j] += g * d[j] * w[j];
            }
        });
        _inner.Adjoint(_gradient);
    }

    public override Linear Freeze() => new ScaledLinear(_inner.Freeze(), _inputs?.ToHalves(), _outputs?.ToHalves());

    private void Scale(int i, ReadOnlySpan<T> from, Span<T> to)
    {
        T g = _outputs is null ? T.One : _outputs.Values[i];
        if (_inputs is null) TensorPrimitives.Multiply(from, g, to);
        else
        {
            TensorPrimitives.Multiply(from, _inputs.Values, to);
            if (_outputs is not null) TensorPrimitives.Multiply(to, g, to);
        }
    }
}

/// <summary>Some columns of a weight: their gradient is those columns of its gradient.</summary>
internal sealed class TunedSelection<T>(SelectionLinear layer) : TunedForm<T>(layer.Rows, layer.Columns) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly TunedForm<T> _selected = Of(layer.Selected);
    private readonly Matrix<T> _columns = new(layer.Rows, layer.Indices.Length);

    public override IEnumerable<TunedNumbers<T>> Numbers => _selected.Numbers;

    public override void Widen(Matrix<T> weight)
    {
        _selected.Widen(_columns);
        weight.Data.Clear();
        for (int i = 0; i < Rows; i++)
            for (int k = 0; k < layer.Indices.Length; k++) weight[i, layer.Indices[k]] = _columns[i, k];
    }

    public override void Adjoint(Matrix<T> gradient)
    {
        for (int i = 0; i < Rows; i++)
            for (int k = 0; k < layer.Indices.Length; k++) _columns[i, k] = gradient[i, layer.Indices[k]];
        _selected.Adjoint(_columns);
    }

    public override Linear Freeze() => new SelectionLinear(layer.Indices, _selected.Freeze(), Columns);
}

/// <summary>A layer that rounds its input: what is learned of it is the weight behind; who runs the block sees to the rounding.</summary>
internal sealed class TunedRoundedInput<T>(QuantizedInputLinear layer) : TunedForm<T>(layer.Rows, layer.Columns) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly TunedForm<T> _inner = Of(layer.Inner);

    public override IEnumerable<TunedNumbers<T>> Numbers => _inner.Numbers;

    public override void Widen(Matrix<T> weight) => _inner.Widen(weight);

    public override void Adjoint(Matrix<T> gradient) => _inner.Adjoint(gradient);

    public override Linear Freeze() => new QuantizedInputLinear(layer.Input, _inner.Freeze());
}
