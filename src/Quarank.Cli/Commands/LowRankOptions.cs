using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;

namespace Quarank.Cli.Commands;

/// <summary>The flags of methods that store a product and nothing beside it.</summary>
internal sealed class LowRankOptions
{
    private readonly Option<int?> _groupSize = Inputs.Whole("--factor-group-size", "N", "Entries of a factor's vector that share a scale; 0 = all (0).", 0);
    private readonly Option<double?> _power = Inputs.Number("--power", "A", "asvd: mean magnitudes of inputs are raised to it (0.5).", 0.01, 4);
    private readonly Option<double?> _share = Inputs.Number("--residual-share", "X", "res-svd: the part of the rank for what the rest of it leaves, without weighting (0.25).", 0.01, 0.99);
    private readonly Option<int?> _powerIterations = Inputs.Whole("--power-iterations", "N", "lplr: how often the sketch is multiplied by W Wt (0).", 0, 100);
    private readonly Option<bool> _noSketch = Inputs.Flag("--no-sketch", "lplr: the largest singular vectors in place of a random sketch.");
    private readonly Option<int?> _parts = Inputs.Whole("--parts", "K", "lplr: products that the rank is cut into, each for what those before it leave (1).", 1, 1000);

    public Option GroupSize => _groupSize;

    public Option Power => _power;

    public Option Share => _share;

    public Option[] Lplr => [_powerIterations, _noSketch, _parts];

    public Option[] All => [_groupSize, _power, _share, .. Lplr];

    public LowRank Build(CommandResult given, InputWeighting weighting, double usualPower, double usualShare, int? rank, double? bitsPerWeight, int? factorBits,
        double? damping, DampingOf? of)
    {
        var usual = new LowRank(weighting);
        return usual with
        {
            Rank = rank,
            BitsPerWeight = bitsPerWeight ?? usual.BitsPerWeight,
            FactorBits = factorBits ?? usual.FactorBits,
            FactorGroupSize = given.GetValue(_groupSize) ?? usual.FactorGroupSize,
            Power = given.GetValue(_power) ?? usualPower,
            ResidualShare = given.GetValue(_share) ?? usualShare,
            Damping = damping ?? usual.Damping,
            DampingOf = of ?? usual.DampingOf,
        };
    }

    public Lplr BuildLplr(CommandResult given, int? rank, double? bitsPerWeight, int? left, int? right)
    {
        var usual = new Lplr();
        return new(bitsPerWeight ?? usual.BitsPerWeight, rank, left ?? usual.LeftBits, right ?? usual.RightBits,
            given.GetValue(_powerIterations) ?? usual.PowerIterations, !given.GetValue(_noSketch), given.GetValue(_parts) ?? usual.Parts);
    }
}
