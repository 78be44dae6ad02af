using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;

namespace Quarank.Cli.Commands;

/// <summary>LoRDQ's own flags.</summary>
internal sealed class LordqOptions
{
    private static readonly (string, CodeLevels)[] LevelWords =
        [("offset", CodeLevels.Offset), ("zeroPoint", CodeLevels.ZeroPoint), ("symmetric", CodeLevels.Symmetric), ("normal", CodeLevels.Normal)];

    private readonly Option<int?> _rank = Inputs.Whole("--rank", "R", "Components of every layer, instead of a budget (caldera: 32; lrq: a quarter of the smaller side).", 1);
    private readonly Option<int?> _blocks = Inputs.Whole("--blocks", "K", "Residual blocks that the rank is cut into (2).", 1, 1000);
    private readonly Option<int?> _pBits = Inputs.Whole("--p-bits", "N", "Bits of the left factor's codes, 2 to 8, or 16 (4).", 2, 16);
    private readonly Option<int?> _qBits = Inputs.Whole("--q-bits", "N", "Bits of the right factor's codes, 2 to 8, or 16 (4).", 2, 16);
    private readonly Option<bool> _noCompensation = Inputs.Flag("--no-compensation", "Do not let components make up for the rounding of those before them.");
    private readonly Option<bool> _refit = Inputs.Flag("--refit", "Round Q first, then solve for the P that suits it best, and round that.");

    private readonly Option<LordqFeedback?> _feedback = Inputs.Choice("--feedback", "With --refit: factors rounded with error feedback (none).",
        ("none", LordqFeedback.None), ("p", LordqFeedback.P), ("q", LordqFeedback.Q), ("both", LordqFeedback.Both));

    private readonly Option<int?> _sweeps = Inputs.Whole("--sweeps", "N", "With --refit: fit each block anew, N times, where that helps (0).", 0, 1000);
    private readonly Option<CodeLevels?> _levels = Inputs.Choice("--levels", "What the factors' codes stand for (offset).", LevelWords);

    private readonly Option<LordqLead?> _lead = new("--lead")
    {
        Description = "More bits for the largest components: RANK:BITS or SHARE:BITS, from the largest down (8:8,0.1:4).",
        HelpName = "LIST",
        CustomParser = ParseLead,
    };

    private readonly Option<int?> _restBits = Inputs.Whole("--rest-bits", "N", "A grid of N bits beside the factors, for what they leave; 1 needs --rest-levels normal.", 1, 8);
    private readonly Option<int?> _restGroupSize = Inputs.Whole("--rest-group-size", "N", "Its columns that share a scale; 0 = a whole row (0).", 0);
    private readonly Option<CodeLevels?> _restLevels = Inputs.Choice("--rest-levels", "What its codes stand for (zeroPoint).", LevelWords);

    private readonly Option<GridRange?> _restRange = Inputs.Choice("--rest-range", "How its ranges are found (clip).",
        ("minMax", GridRange.MinMax), ("clip", GridRange.Clip));

    private readonly Option<bool> _restNearest = Inputs.Flag("--rest-nearest", "Round it to nearest, without error feedback.");
    private readonly Option<bool> _restFirst = Inputs.Flag("--rest-first", "The grid first, and the factors for its error.");
    private readonly Option<int?> _restRounds = Inputs.Whole("--rest-rounds", "N", "Let grid and factors take turns N times more (0).", 0, 1000);

    /// <summary>CALDERA and products alone have it too.</summary>
    public Option<int?> Rank => _rank;

    /// <summary>LPLR's left factor has it too.</summary>
    public Option<int?> PBits => _pBits;

    /// <summary>LPLR's right factor has it too.</summary>
    public Option<int?> QBits => _qBits;

    public Option[] All =>
    [
        _rank, _blocks, _pBits, _qBits, _noCompensation, _refit, _feedback, _sweeps, _levels, _lead,
        _restBits, _restGroupSize, _restLevels, _restRange, _restNearest, _restFirst, _restRounds,
    ];

    /// <summary>The method with what these flags say.</summary>
    /// <exception cref="ArgumentException">A flag of the grid without the grid.</exception>
    public Lordq Build(CommandResult given, Lordq lordq) => lordq with
    {
        Rank = given.GetValue(_rank),
        Blocks = given.GetValue(_blocks) ?? lordq.Blocks,
        PBits = given.GetValue(_pBits) ?? lordq.PBits,
        QBits = given.GetValue(_qBits) ?? lordq.QBits,
        Compensation = !given.GetValue(_noCompensation),
        Refit = given.GetValue(_refit),
        Feedback = given.GetValue(_feedback) ?? lordq.Feedback,
        Sweeps = given.GetValue(_sweeps) ?? lordq.Sweeps,
        Levels = given.GetValue(_levels) ?? lordq.Levels,
        Lead = given.GetValue(_lead),
        Rest = Rest(given),
    };

    private LordqRest? Rest(CommandResult given)
    {
        var rest = new LordqRest();
        if (given.GetValue(_restBits) is not { } bits)
        {
            Option[] details = [_restGroupSize, _restLevels, _restRange, _restNearest, _restFirst, _restRounds];
            return details.FirstOrDefault(o => given.GetResult(o) is { Implicit: false }) is { } lonely
                ? throw new ArgumentException($"{lonely.Name} needs --rest-bits.")
                : null;
        }
        return rest with
        {
            Bits = bits,
            GroupSize = given.GetValue(_restGroupSize) ?? rest.GroupSize,
            Levels = given.GetValue(_restLevels) ?? rest.Levels,
            Range = given.GetValue(_restRange) ?? rest.Range,
            Feedback = !given.GetValue(_restNearest),
            First = given.GetValue(_restFirst),
            Rounds = given.GetValue(_restRounds) ?? rest.Rounds,
        };
    }

    private static LordqLead? ParseLead(ArgumentResult result)
    {
        LordqLead? lead = null;
        foreach (string word in result.Tokens[0].Value.Split(',').Reverse())
        {
            string[] sides = word.Split(':');
            if (sides.Length != 2 || !double.TryParse(sides[0], NumberStyles.Float, CultureInfo.InvariantCulture, out double many) || !(many > 0)
                || (many >= 1 && many != Math.Floor(many)) || many > int.MaxValue || !int.TryParse(sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out int bits))
            {
                result.AddError($"--lead takes ranks or shares with their bits, as in 8:8,0.1:4, not '{word}'.");
                return null;
            }
            lead = new(many < 1 ? 0 : (int)many, bits, bits, many < 1 ? many : 0, lead);
        }
        return lead;
    }
}
