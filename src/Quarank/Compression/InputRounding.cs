using System.Text.Json.Serialization;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Compression;

/// <summary>How a method wants a layer's input rounded, as calibration must know it.</summary>
/// <param name="Clip">Which part of the range is kept; null: the part of <see cref="Ratios"/> (<see cref="StaticRatios"/>) with the least squared error on some calibration tokens.</param>
public sealed record InputRounding(InputGrid Grid, double? Clip = 1)
{
    /// <summary>What a search tries: 1, 0.98, … 0.4.</summary>
    public static IReadOnlyList<float> Ratios { get; } = [.. Enumerable.Range(0, 31).Select(i => 1 - i * 0.02f)];

    /// <summary>The same for one range of all tokens, which a few outliers may stretch a thousandfold: 1, 2^−¼, 2^−½, … 2^−10.</summary>
    public static IReadOnlyList<float> StaticRatios { get; } = [.. Enumerable.Range(0, 41).Select(i => MathF.Pow(2, -i / 4f))];

    /// <exception cref="ArgumentException">The grid cannot be, or the ratio is not above 0 and at most 1.</exception>
    internal void Validate()
    {
        Grid.Validate();
        if (Clip is { } clip && !(clip is > 0 and <= 1)) throw new ArgumentException($"A clip ratio is above 0 and at most 1, not {clip}.");
    }
}

/// <summary>What calibration gathered of an input x and what it is rounded to, z. All are divided by the number of tokens; w are their weights.</summary>
/// <param name="Rounder">What rounds x.</param>
/// <param name="Gram">Σz = Σ w² z zᵀ, Columns × Columns; empty for a static grid, whose range is known too late.</param>
/// <param name="Cross">Σxz = Σ w² x zᵀ.</param>
public sealed record RoundedStatistics(InputRounder Rounder, Matrix<double> Gram, Matrix<double> Cross)
{
    /// <summary>The same of unweighted tokens, where that is another; what losses are measured with.</summary>
    public RoundedStatistics? Plain { get; init; }

    /// <summary>Whether there are sums, and not a range alone.</summary>
    [JsonIgnore] public bool HasSums => Gram.Rows > 0;
}
