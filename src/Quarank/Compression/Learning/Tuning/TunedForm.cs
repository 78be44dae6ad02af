using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>
/// A stored layer taken apart for tuning: its codes stay, its numbers may move. In the numbers of any one array the weight is linear (a scale times units that
/// codes stand for, one factor of a product), so the gradient of each is a sum over the gradient of the weight. Written for float, in which it is
/// tuned, and double, in which it is checked.
/// </summary>
internal abstract class TunedForm<T>(int rows, int columns) where T : unmanaged, IFloatingPointIeee754<T>
{
    public int Rows { get; } = rows;

    public int Columns { get; } = columns;

    /// <summary>All that may move, of nested forms too.</summary>
    public abstract IEnumerable<TunedNumbers<T>> Numbers { get; }

    /// <summary>The weight that the numbers make, not rounded to what is stored.</summary>
    /// <param name="weight">Filled, Rows × Columns.</param>
    public abstract void Widen(Matrix<T> weight);

    /// <summary>Fills the gradients of <see cref="Numbers"/>.</summary>
    /// <param name="gradient">The loss by the weight that <see cref="Widen"/> gave last; left as it is.</param>
    public abstract void Adjoint(Matrix<T> gradient);

    /// <summary>The layer with the numbers rounded to the types they are stored in. Untouched ones give the layer that was taken apart.</summary>
    public abstract Linear Freeze();

    public Matrix<T> ToDense()
    {
        var weight = new Matrix<T>(Rows, Columns);
        Widen(weight);
        return weight;
    }

    /// <summary>Takes a layer apart.</summary>
    /// <exception cref="NotSupportedException">Its form, or a part of it, has no gradient here.</exception>
    public static TunedForm<T> Of(Linear layer) => layer switch
    {
        DenseLinear dense => new TunedDense<T>(dense),
        GridLinear { Format.Super: not null } grid => new TunedTwoLevelGrid<T>(grid),
        GridLinear grid => new TunedGrid<T>(grid),
        CodebookLinear codebook => new TunedCodebook<T>(codebook),
        LatticeLinear lattice => new TunedScale<T>(lattice.WithScale(1).ToDense(), lattice.Scale, lattice.WithScale),
        TrellisLinear trellis => new TunedScale<T>(trellis.WithScale(1).ToDense(), trellis.Scale, trellis.WithScale),
        ProductLinear product => new TunedProduct<T>(Of(product.Left), Of(product.Right)),
        SumLinear sum => new TunedSum<T>([.. sum.Terms.Select(Of)]),
        SelectionLinear selection => new TunedSelection<T>(selection),
        ScaledLinear scaled => new TunedScaled<T>(scaled),
        TransformedLinear turned => TunedTransformed<T>.Of(turned),
        QuantizedInputLinear rounded => new TunedRoundedInput<T>(rounded),
        _ => throw new NotSupportedException(
            $"A layer of the form {layer.GetType().Name} cannot be tuned; dense, grid, codebook, lattice, trellis, product, sum, selection, scaled and transformed ones can, and these with rounded inputs."),
    };

    /// <summary>A stored weight in numbers of this type.</summary>
    protected static Matrix<T> Widened(Matrix<float> stored)
    {
        var weight = new Matrix<T>(stored.Rows, stored.Columns);
        TensorPrimitives.ConvertChecked<float, T>(stored.Data, weight.Data);
        return weight;
    }
}
