using System.Text.Json.Serialization;

namespace Quarank.Compression.Methods;

/// <summary>What CALDERA's Q is stored as.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CalderaCodes>))]
public enum CalderaCodes
{
    /// <summary>The E8 lattice (the paper's).</summary>
    [JsonStringEnumMemberName("lattice")] Lattice,

    /// <summary>A trellis code, as <see cref="Trellis"/> has it.</summary>
    [JsonStringEnumMemberName("trellis")] Trellis,
}
