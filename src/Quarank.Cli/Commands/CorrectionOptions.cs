using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Methods;

namespace Quarank.Cli.Commands;

/// <summary>The flags that put low-rank factors beside any method, for what it leaves.</summary>
internal sealed class CorrectionOptions
{
    private readonly Option<InputWeighting?> _correction = Inputs.Choice("--correction",
        "Beside any method: low-rank factors for what it leaves, the best ones for plain weights (lqer), by mean magnitudes of inputs (l2qer), by their root mean squares (qera-approx), or for the layer's outputs (eora).",
        ("lqer", InputWeighting.None), ("l2qer", InputWeighting.Magnitude), ("qera-approx", InputWeighting.Rms), ("eora", InputWeighting.Gram));

    private readonly Option<int?> _rank = Inputs.Whole("--correction-rank", "R", "Components in every layer (32).", 1);
    private readonly Option<double?> _size = Inputs.Number("--correction-bits-per-weight", "X", "Instead of a rank: what method and factors may take together.", 0.01, 32);
    private readonly Option<int?> _bits = Inputs.Whole("--correction-bits", "N", "Bits of the factors' codes, 2 to 8, or 16 (16).", 2, 16);
    private readonly Option<int?> _groupSize = Inputs.Whole("--correction-group-size", "N", "Entries of a factor's vector that share a scale; 0 = all (0).", 0);
    private readonly Option<int?> _rounds = Inputs.Whole("--correction-rounds", "N", "Let method and factors take turns N times more, the best pair being kept (0).", 0, 1000);
    private readonly Option<bool> _first = Inputs.Flag("--correction-first", "The factors first, and the method for what they leave.");
    private readonly Option<bool> _weighted = Inputs.Flag("--correction-weighted", "Fit the factors to tokens weighted as the method has them, not to plain ones.");

    public Option[] All => [_correction, _rank, _size, _bits, _groupSize, _rounds, _first, _weighted];

    /// <summary>The method with factors beside it, if they were asked for.</summary>
    /// <exception cref="ArgumentException">Something is said of factors that were not asked for.</exception>
    public Method Build(CommandResult given, Method method)
    {
        if (given.GetValue(_correction) is not { } weighting)
            return All.FirstOrDefault(o => given.GetResult(o) is { Implicit: false }) is { } lonely
                ? throw new ArgumentException($"{lonely.Name} needs --correction.")
                : method;
        var corrected = new Corrected(method, weighting);
        return corrected with
        {
            Rank = given.GetValue(_rank) ?? corrected.Rank,
            BitsPerWeight = given.GetValue(_size),
            FactorBits = given.GetValue(_bits) ?? corrected.FactorBits,
            FactorGroupSize = given.GetValue(_groupSize) ?? corrected.FactorGroupSize,
            Rounds = given.GetValue(_rounds) ?? corrected.Rounds,
            FactorsFirst = given.GetValue(_first),
            Weighted = given.GetValue(_weighted),
        };
    }
}
