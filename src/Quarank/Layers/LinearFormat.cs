using System.Text.Json.Serialization;
using Quarank.Checkpoints;

namespace Quarank.Layers;

/// <summary>How a weight is stored, without the numbers: the same record names a recipe's target and a checkpoint's content.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "form")]
[JsonDerivedType(typeof(DenseFormat), "dense")]
[JsonDerivedType(typeof(GridFormat), "grid")]
[JsonDerivedType(typeof(ProductFormat), "product")]
[JsonDerivedType(typeof(SumFormat), "sum")]
[JsonDerivedType(typeof(CodebookFormat), "codebook")]
[JsonDerivedType(typeof(SelectionFormat), "selection")]
[JsonDerivedType(typeof(LatticeFormat), "lattice")]
[JsonDerivedType(typeof(TrellisFormat), "trellis")]
[JsonDerivedType(typeof(TransformedFormat), "transformed")]
[JsonDerivedType(typeof(ScaledFormat), "scaled")]
[JsonDerivedType(typeof(QuantizedInputFormat), "quantizedInput")]
public abstract record LinearFormat
{
    /// <summary>Reads a rows × columns layer of this form from the tensors under its name.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or does not have the size that the form and the shape ask for.</exception>
    public abstract Linear Load(StoredTensors tensors, int rows, int columns);

    /// <summary>Which part of a rows × columns layer of this form no packed kernel knows, so that it is multiplied by unpacking it to floats; null = no part.</summary>
    public virtual string? WithoutKernel(int rows, int columns) => null;
}
