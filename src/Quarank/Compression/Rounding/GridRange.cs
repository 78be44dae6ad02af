using System.Text.Json.Serialization;

namespace Quarank.Compression.Rounding;

/// <summary>How the range of a grid is chosen from the weights it must hold.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GridRange>))]
public enum GridRange
{
    /// <summary>From the smallest to the largest weight, zero included (spec §1.3, Q-GPTQ).</summary>
    [JsonStringEnumMemberName("minMax")] MinMax,

    /// <summary>The best of 80 ranges from the min–max one down to 21 % of it, by Σ |q − w|^2.4 (GPTQ's option "mse").</summary>
    [JsonStringEnumMemberName("clip")] Clip,
}
