using System.Text.Json.Serialization;

namespace Quarank.Compression;

/// <summary>
/// How much each calibration token counts in the Gram matrix that a method fits to: x xᵀ enters times w². A token of enormous norm
/// (an attention sink) otherwise owns the matrix of its layer.
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<TokenWeights>))]
public enum TokenWeights
{
    /// <summary>What the method itself asks for (<see cref="Method.PreferredWeights"/>).</summary>
    [JsonStringEnumMemberName("auto")] Auto,

    /// <summary>w = 1: every token as it is.</summary>
    [JsonStringEnumMemberName("none")] None,

    /// <summary>w = 1 / ‖x‖: every token at norm 1.</summary>
    [JsonStringEnumMemberName("unit")] Unit,

    /// <summary>w = 1 / √‖x‖: x xᵀ enters with the norm of x, not its square.</summary>
    [JsonStringEnumMemberName("squareRoot")] SquareRoot,

    /// <summary>The mean of plain and unit matrix, each at the plain one's trace.</summary>
    [JsonStringEnumMemberName("mixed")] Mixed,

    /// <summary>w = min(1, c · median / ‖x‖), the median being that of the token's own sequence: only the few largest are held down.</summary>
    [JsonStringEnumMemberName("cut")] Cut,
}
