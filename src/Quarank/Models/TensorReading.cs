using Quarank.Checkpoints;

namespace Quarank.Models;

/// <summary>Tensors of a size that the config promises.</summary>
internal static class TensorReading
{
    /// <summary>A vector of <paramref name="length"/> values.</summary>
    /// <exception cref="InvalidDataException">It is missing or of another size.</exception>
    public static float[] ReadVector(this StoredTensors tensors, string name, int length)
    {
        var tensor = tensors[name];
        return tensor.Shape.Count == 1 && tensor.Shape[0] == length
            ? tensor.ReadAll()
            : throw new InvalidDataException(
                $"{tensor.Description}: config.json asks for shape [{length}], found [{string.Join(", ", tensor.Shape)}].");
    }
}
