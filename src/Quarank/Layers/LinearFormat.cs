using System.Text.Json.Serialization;
using Quarank.Checkpoints;

namespace Quarank.Layers;

/// <summary>How a weight is stored, without the numbers: the same record names a recipe's target and a checkpoint's content.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "form")]
[JsonDerivedType(typeof(DenseFormat), "dense")]
public abstract record LinearFormat
{
    /// <summary>Reads a layer of this form from the tensors under its name.</summary>
    public abstract Linear Load(StoredTensors tensors);
}
