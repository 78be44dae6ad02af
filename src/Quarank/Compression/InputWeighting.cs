using System.Text.Json.Serialization;

namespace Quarank.Compression;

/// <summary>In which norm of the inputs a low-rank approximation is the best one.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<InputWeighting>))]
public enum InputWeighting
{
    /// <summary>All inputs count alike: the plain singular value decomposition.</summary>
    [JsonStringEnumMemberName("none")] None,

    /// <summary>Each input by the mean of its magnitude (L²QER, arXiv:2402.02446; ASVD, arXiv:2312.05821).</summary>
    [JsonStringEnumMemberName("magnitude")] Magnitude,

    /// <summary>Each input by the root of its mean square (QERA-approx, arXiv:2410.06040).</summary>
    [JsonStringEnumMemberName("rms")] Rms,

    /// <summary>The whole Gram matrix: the least error of the layer's outputs (SVD-LLM, arXiv:2403.07378; EoRA, arXiv:2410.21271; QERA-exact).</summary>
    [JsonStringEnumMemberName("gram")] Gram,
}
