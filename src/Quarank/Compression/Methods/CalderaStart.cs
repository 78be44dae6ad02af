using System.Text.Json.Serialization;

namespace Quarank.Compression.Methods;

/// <summary>What CALDERA does first.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CalderaStart>))]
public enum CalderaStart
{
    /// <summary>Q for all of W, then factors for what it leaves (the paper's order).</summary>
    [JsonStringEnumMemberName("quantize")] Quantize,

    /// <summary>Factors for W, then Q for what they leave (the released program's order).</summary>
    [JsonStringEnumMemberName("lowRank")] LowRank,

    /// <summary>ODLRI (arXiv:2506.02077): Q for W without the columns of the strongest inputs, then factors.</summary>
    [JsonStringEnumMemberName("outliers")] Outliers,
}
