using System.Text.Json.Serialization;

namespace Quarank.Compression.Methods;

/// <summary>How LoRDQ's budget becomes ranks.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RankRule>))]
public enum RankRule
{
    /// <summary>One fraction ρ of min(rows, columns) in every layer, as the paper does (spec A12).</summary>
    [JsonStringEnumMemberName("uniform")] Uniform,

    /// <summary>
    /// What each component gains per stored bit decides, over all layers that have this method together (spec §2.5). A run
    /// surveys the original model for it; until then ranks are planned as uniform ones, which take as many bytes.
    /// </summary>
    [JsonStringEnumMemberName("waterFilling")] WaterFilling,
}
