using System.Text.Json.Serialization;

namespace Quarank.Compression;

/// <summary>What a budget of bits per weight counts.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BitBudget>))]
public enum BitBudget
{
    /// <summary>Every stored byte of the compressed layers: codes, scales, offsets, the unused bits of a row's last byte.</summary>
    [JsonStringEnumMemberName("bytes")] Bytes,

    /// <summary>The codes alone, as papers do.</summary>
    [JsonStringEnumMemberName("codes")] Codes,
}
