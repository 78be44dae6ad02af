using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>Which Gram matrices must be summed so that layers can be fitted to tokens weighted as they ask.</summary>
/// <param name="Wanted">Never <see cref="TokenWeights.Auto"/>.</param>
/// <param name="NormCut">c of <see cref="TokenWeights.Cut"/>.</param>
internal sealed record TokenWeighting(IReadOnlyCollection<TokenWeights> Wanted, double NormCut = CalibrationSettings.DefaultNormCut)
{
    /// <summary>What inputs are rounded to, beside what they are.</summary>
    public IReadOnlyList<InputRounding> Roundings { get; init; } = [];

    /// <summary>Plain sums alone.</summary>
    public static TokenWeighting Plain { get; } = new([TokenWeights.None]);

    /// <summary>What is summed over tokens; a mixed matrix is made of two others afterwards. Plain sums are always there: losses are
    /// measured with them.</summary>
    public IReadOnlyList<TokenWeights> Summed { get; } =
        [.. Wanted.SelectMany(SumsOf).Append(TokenWeights.None).Distinct().Order()];

    /// <summary>What must be summed for these weights.</summary>
    public static TokenWeights[] SumsOf(TokenWeights weights) => weights switch
    {
        TokenWeights.Mixed => [TokenWeights.None, TokenWeights.Unit],
        TokenWeights.Auto => throw new ArgumentException("The weights must be known here."),
        _ => [weights],
    };

    /// <summary>w of a token of this norm, for weights that need no median; a token of zeros has none.</summary>
    public static float Of(TokenWeights weights, float norm) => norm == 0 ? 0 : weights switch
    {
        TokenWeights.Unit => 1 / norm,
        TokenWeights.SquareRoot => 1 / MathF.Sqrt(norm),
        _ => throw new ArgumentOutOfRangeException(nameof(weights), weights, "these weights are not the norm's alone"),
    };

    /// <summary>Adds to <paramref name="sums"/> what is made of other sums.</summary>
    public void Complete(Dictionary<TokenWeights, Matrix<double>> sums)
    {
        if (!Wanted.Contains(TokenWeights.Mixed)) return;
        var (plain, unit) = (sums[TokenWeights.None], sums[TokenWeights.Unit]);
        double trace = LinearAlgebra.Trace(unit), scale = trace > 0 ? LinearAlgebra.Trace(plain) / trace : 0;
        var mixed = new Matrix<double>(plain.Rows, plain.Columns);
        Threads.For(plain.Rows, i =>
        {
            TensorPrimitives.MultiplyAdd(unit.Row(i), scale, plain.Row(i), mixed.Row(i));
            TensorPrimitives.Multiply(mixed.Row(i), 0.5, mixed.Row(i));
        });
        sums[TokenWeights.Mixed] = mixed;
    }
}
