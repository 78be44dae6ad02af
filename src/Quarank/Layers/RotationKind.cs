using System.Text.Json.Serialization;

namespace Quarank.Layers;

/// <summary>What turns the coordinates of a layer.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RotationKind>))]
public enum RotationKind
{
    /// <summary>Random signs and a Hadamard matrix: n log n.</summary>
    [JsonStringEnumMemberName("hadamard")] Hadamard,

    /// <summary>Permutations and the Kronecker product of two random orthogonal matrices: n √n (QuIP).</summary>
    [JsonStringEnumMemberName("kronecker")] Kronecker,
}
