using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>A matrix of floats: all of them move.</summary>
internal sealed class TunedDense<T>(DenseLinear layer) : TunedForm<T>(layer.Rows, layer.Columns) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly TunedNumbers<T> _entries = TunedNumbers<T>.Of(layer.ToDense().Data, TunedKind.Factors);

    public override IEnumerable<TunedNumbers<T>> Numbers => [_entries];

    public override void Widen(Matrix<T> weight) => _entries.Values.CopyTo(weight.Data);

    public override void Adjoint(Matrix<T> gradient) => gradient.Data.CopyTo(_entries.Gradient);

    public override Linear Freeze() => layer.With(new Matrix<float>(Rows, Columns, _entries.ToFloats()));
}

/// <summary>W = L R. ∂L = ∂W Rᵀ, ∂R = Lᵀ ∂W.</summary>
internal sealed class TunedProduct<T>(TunedForm<T> left, TunedForm<T> right) : TunedForm<T>(left.Rows, right.Columns) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Matrix<T> _left = new(left.Rows, left.Columns), _right = new(right.Rows, right.Columns),
        _dLeft = new(left.Rows, left.Columns), _dRight = new(right.Rows, right.Columns);

    public override IEnumerable<TunedNumbers<T>> Numbers => [.. left.Numbers, .. right.Numbers];

    public override void Widen(Matrix<T> weight)
    {
        left.Widen(_left);
        right.Widen(_right);
        LinearAlgebra.Product<T>(_left, false, _right, false, weight);
    }

    public override void Adjoint(Matrix<T> gradient)
    {
        LinearAlgebra.Product<T>(gradient, false, _right, true, _dLeft);
        LinearAlgebra.Product<T>(_left, true, gradient, false, _dRight);
        left.Adjoint(_dLeft);
        right.Adjoint(_dRight);
    }

    public override Linear Freeze() => new ProductLinear(left.Freeze(), right.Freeze());
}

/// <summary>W = W₀ + W₁ + …: the gradient of each term is that of the sum.</summary>
internal sealed class TunedSum<T>(TunedForm<T>[] terms) : TunedForm<T>(terms[0].Rows, terms[0].Columns) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Matrix<T> _term = new(terms[0].Rows, terms[0].Columns);

    public override IEnumerable<TunedNumbers<T>> Numbers => terms.SelectMany(t => t.Numbers);

    public override void Widen(Matrix<T> weight)
    {
        terms[0].Widen(weight);
        foreach (var term in terms.AsSpan(1))
        {
            term.Widen(_term);
            Threads.For(Rows, i => TensorPrimitives.Add(weight.Row(i), _term.Row(i), weight.Row(i)));
        }
    }

    public override void Adjoint(Matrix<T> gradient)
    {
        foreach (var term in terms) term.Adjoint(gradient);
    }

    public override Linear Freeze() => new SumLinear([.. terms.Select(t => t.Freeze())]);
}
