using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>Numbers of a block that a loss may be differentiated by. Vectors are matrices of one row.</summary>
/// <param name="name">As in the checkpoint for weights and biases; the place of a norm.</param>
/// <param name="value">What the forward pass reads; may be changed between passes.</param>
internal sealed class Parameter<T>(string name, Matrix<T> value) where T : unmanaged, IFloatingPointIeee754<T>
{
    public string Name => name;

    public Matrix<T> Value => value;

    /// <summary>Filled by every backward pass, of the size of <see cref="Value"/>; null where nobody wants it, which spares its products.</summary>
    public Matrix<T>? Gradient { get; set; }

    public static Parameter<T> Of(string name, Matrix<float> value)
    {
        var numbers = new Matrix<T>(value.Rows, value.Columns);
        TensorPrimitives.ConvertChecked<float, T>(value.Data, numbers.Data);
        return new(name, numbers);
    }

    /// <summary>Null for no vector.</summary>
    public static Parameter<T>? Of(string name, float[]? vector) => vector is null ? null : Of(name, new Matrix<float>(1, vector.Length, vector));
}
