using System.Text.Json.Serialization;

namespace Quarank.Compression.Rounding;

/// <summary>How the range of a grid is chosen: from the weights it must hold, or also from what their inputs make of errors.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GridRange>))]
public enum GridRange
{
    /// <summary>From the smallest to the largest weight, zero included (spec §1.3, Q-GPTQ).</summary>
    [JsonStringEnumMemberName("minMax")] MinMax,

    /// <summary>The best of 80 ranges from the min–max one down to 21 % of it, by Σ |q − w|^2.4 (GPTQ's option "mse").</summary>
    [JsonStringEnumMemberName("clip")] Clip,

    /// <summary>The best of 15 symmetric limits by what the group's own errors do to the output, δ H δᵀ over its columns (AWQ's clip search).</summary>
    [JsonStringEnumMemberName("output")] Output,

    /// <summary>Ends learned by gradient descent on the layer's loss, all groups of a row together (OmniQuant's learned weight clipping).</summary>
    [JsonStringEnumMemberName("learned")] Learned,

    /// <summary>The min–max scale and an offset solved for under errors of which few are large (HQQ); for grids with number offsets.</summary>
    [JsonStringEnumMemberName("halfQuadratic")] HalfQuadratic,
}
