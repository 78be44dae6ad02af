using System.Text.Json.Serialization;

namespace Quarank.Compression;

/// <summary>What the damping λ is a part of.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DampingOf>))]
public enum DampingOf
{
    /// <summary>The mean of the diagonal (the mean eigenvalue): one direction of enormous inputs raises it for all.</summary>
    [JsonStringEnumMemberName("mean")] Mean,

    /// <summary>The median eigenvalue, which a few directions do not move.</summary>
    [JsonStringEnumMemberName("median")] Median,
}
