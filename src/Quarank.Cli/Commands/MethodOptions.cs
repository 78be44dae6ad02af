using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Pipeline;

namespace Quarank.Cli.Commands;

/// <summary>The flags that say a method; one that the chosen method does not have is refused.</summary>
internal sealed class MethodOptions
{
    private enum Name { Rtn, Gptq, Awq, Lordq, LordqBest, Lattice, Trellis, Caldera, Quip, Svd, Asvd, SvdLlm, ResSvd, Lplr, FlexRound, Lrq, OmniQuant }

    private readonly Option<Name?> _method = Inputs.Choice("--method", "Round to nearest, GPTQ, AWQ (channels scaled, then rounded), LoRDQ (low rank with quantized factors) as printed, its best variant for the budget, the E8 lattice, a trellis code, CALDERA (lattice and low rank), QuIP, or low rank alone: the plain SVD, ASVD, SVD-LLM, ResSVD, LPLR; or FlexRound, LRQ or OmniQuant: rounding, or its ranges, learned block by block.",
        ("rtn", Name.Rtn), ("gptq", Name.Gptq), ("awq", Name.Awq), ("lordq", Name.Lordq), ("lordq-best", Name.LordqBest), ("lattice", Name.Lattice), ("trellis", Name.Trellis), ("caldera", Name.Caldera), ("quip", Name.Quip),
        ("svd", Name.Svd), ("asvd", Name.Asvd), ("svd-llm", Name.SvdLlm), ("res-svd", Name.ResSvd), ("lplr", Name.Lplr),
        ("flexround", Name.FlexRound), ("lrq", Name.Lrq), ("omniquant", Name.OmniQuant));

    private readonly Option<double?> _bits = Inputs.Number("--bits", "N", "Bits of a code, 2 to 8 (3); of lattice and caldera's Q 2, 3 or 4, of quip 2 to 4 (2); of trellis and caldera's Q in a trellis 1.5 to 4 in halves (2).", 1.5, 8);
    private readonly Option<int?> _groupSize = Inputs.Whole("--group-size", "N", "Columns that share a scale; 0 = a whole row (64; flexround, lrq, omniquant: 0; lordq: entries of a factor's vector, 0).", 0);
    private readonly Option<bool> _clip = Inputs.Flag("--clip", "Search the range that rounds best, instead of smallest to largest weight.");
    private readonly GridOptions _grid = new();
    private readonly Option<bool> _symmetric = Inputs.Flag("--symmetric", "Scales without zero-points.");
    private readonly Option<bool> _actOrder = Inputs.Flag("--act-order", "gptq: the most active columns first; with groups also needs --static-groups.");
    private readonly Option<bool> _staticGroups = Inputs.Flag("--static-groups", "gptq: fit the groups before anything is rounded.");
    private readonly Option<double?> _damping = Inputs.Number("--damping", "X", "All but rtn: what is added to the diagonal, in parts of its mean (0.01).", 0, 1e6);

    private readonly Option<DampingOf?> _dampingOf = Inputs.Choice("--damping-of", "gptq, lordq, lattice, trellis: the damping is a part of the mean or of the median eigenvalue (mean).",
        ("mean", DampingOf.Mean), ("median", DampingOf.Median));

    private readonly Option<ScaleType?> _scales = Inputs.Choice("--scales", "How scales (and LoRDQ's offsets) are stored; 32 bits tell what 16 cost (float16).",
        ("float16", ScaleType.Bits16), ("float32", ScaleType.Bits32));

    private readonly Option<double?> _bitsPerWeight = Inputs.Number("--bits-per-weight", "X", "The budget over all compressed layers together (2). Without --method: take the best recipe known for this size.", 0.01, 32);
    private readonly Option<BitBudget?> _budget = Inputs.Choice("--budget", "What the budget counts: every stored byte, or the codes alone as papers do (bytes).",
        ("bytes", BitBudget.Bytes), ("codes", BitBudget.Codes));
    private readonly Option<RankRule?> _ranks = Inputs.Choice("--ranks", "One part of every layer's full rank, or what gains most per byte over all layers (uniform).",
        ("uniform", RankRule.Uniform), ("water-filling", RankRule.WaterFilling));
    private readonly LordqOptions _lordq = new();
    private readonly LatticeOptions _lattice = new();
    private readonly LowRankOptions _lowRank = new();
    private readonly CorrectionOptions _correction = new();
    private readonly LearningOptions _learning = new();
    private readonly Option<OmniQuantParts?> _parts = Inputs.Choice("--learn", "omniquant: the ends of ranges, factors of channels between norms (or values) and the layers behind them, or both (both).",
        ("both", OmniQuantParts.Both), ("ranges", OmniQuantParts.Ranges), ("channels", OmniQuantParts.Channels));
    private readonly Option<double?> _alpha = Inputs.Number("--alpha", "X", "omniquant: factors begin as SmoothQuant's with this α (0.5), or as ones where the block then errs less.", 0, 1);
    private readonly InputOptions _inputs = new();
    private readonly TuningOptions _tuning = new();
    private readonly Option<bool> _incoherent = Inputs.Flag("--incoherent", "rtn, gptq, lordq: in coordinates turned by random signs and a Hadamard matrix on both sides, as lattice and caldera always are.");

    private readonly Option<int?> _exactDirections = Inputs.Whole("--exact-directions", "K",
        "Beside any method: keep the K strongest directions of a layer's input exact, 16 (rows + columns) bits each (0).", 0);
    private readonly Option<int?> _exactColumns = Inputs.Whole("--exact-columns", "K",
        "Beside any method: keep the K strongest inputs exact, 16 rows + 32 bits each (0).", 0);

    /// <summary>LoRDQ's budget, or that of choices.</summary>
    public Option<double?> BitsPerWeight => _bitsPerWeight;

    public (string Title, Option[] Options)[] Groups =>
    [
        ("Method", [_method, _scales, _incoherent, _exactDirections, _exactColumns]),
        ("rtn, gptq and awq (lordq: --group-size, --clip, --damping)", [_bits, _groupSize, _clip, _symmetric, .. _grid.All, _actOrder, _staticGroups, _damping, _dampingOf]),
        ("lordq (lordq-best: --bits-per-weight)", [_bitsPerWeight, _budget, _ranks, .. _lordq.All]),
        ("lattice, trellis, caldera and quip (also --bits, --damping; trellis, caldera: --bits-per-weight; caldera: --rank)", _lattice.All),
        ("svd, asvd, svd-llm, res-svd (also --rank, --bits-per-weight, --factor-bits) and lplr (--p-bits, --q-bits)", _lowRank.All),
        ("Factors for what a method leaves", _correction.All),
        ("flexround, lrq and omniquant (also --bits, --group-size, --symmetric, --range; lrq: --rank)", [.. _learning.All, _parts, _alpha]),
        ("Tuning of what a method gave (also --batch, --held-out, --loss-weights)", _tuning.All),
        ("4- and 8-bit inputs (of any method; best of a model that `quarank transform` has turned)", _inputs.All),
    ];

    /// <summary>The recipe with the tuning that flags ask for.</summary>
    public Recipe Tuned(CommandResult given, Recipe recipe) => _tuning.Apply(given, recipe, _learning);

    /// <summary>How many steps each block is learned in.</summary>
    public Option<int?> Steps => _learning.Steps;

    /// <summary>Whether a size was given and nothing else: the best recipe known for it is taken.</summary>
    public bool IsSizeAlone(CommandResult given) => Given(given).ToList() is [var only] && only == _bitsPerWeight;

    /// <summary>All flags of this kind that were given.</summary>
    public IEnumerable<Option> Given(SymbolResult result) =>
        Groups.SelectMany(g => g.Options).Where(o => result.GetResult(o) is { Implicit: false });

    /// <summary>Refuses flags that do not belong together.</summary>
    public void Validate(CommandResult given)
    {
        if (given.GetValue(_method) is not { } method)
        {
            if (given.GetResult(_method) is null) given.AddError("Option '--method' is required: rtn, gptq, awq, lordq, lordq-best, lattice, trellis, caldera, quip, svd, asvd, svd-llm, res-svd, lplr, flexround, lrq or omniquant (or a --recipe, or --bits-per-weight alone).");
            return;
        }
        Option[] taken = method switch
        {
            Name.Rtn => [_scales, _bits, _groupSize, _clip, _symmetric, .. _grid.OfGrids, _incoherent],
            Name.Gptq => [_scales, _bits, _groupSize, _clip, _symmetric, .. _grid.OfGrids, _actOrder, _staticGroups, _damping, _dampingOf, _incoherent],
            Name.Awq => [_scales, _bits, _groupSize, _clip, _symmetric, .. _grid.All, _actOrder, _staticGroups, _damping, _dampingOf],
            Name.LordqBest => [_bitsPerWeight, _incoherent],
            Name.Lattice => [_bits, _damping, _dampingOf, _lattice.Passes, _lattice.Nearest, _lattice.Rotation],
            Name.Trellis => [_bits, _bitsPerWeight, _damping, _dampingOf, _lattice.Passes, _lattice.Rotation, _lattice.StateBits],
            Name.Quip => [_bits, _damping, _lattice.Passes, _lattice.Rotation, .. _lattice.Quip],
            Name.Caldera => [_lordq.Rank, _bits, _bitsPerWeight, _damping, .. _lattice.Caldera],
            Name.Svd => [_lordq.Rank, _bitsPerWeight, _lattice.FactorBits, _lowRank.GroupSize],
            Name.Asvd => [_lordq.Rank, _bitsPerWeight, _lattice.FactorBits, _lowRank.GroupSize, _lowRank.Power],
            Name.SvdLlm => [_lordq.Rank, _bitsPerWeight, _lattice.FactorBits, _lowRank.GroupSize, _damping, _dampingOf],
            Name.ResSvd => [_lordq.Rank, _bitsPerWeight, _lattice.FactorBits, _lowRank.GroupSize, _lowRank.Share, _damping, _dampingOf],
            Name.Lplr => [_lordq.Rank, _bitsPerWeight, _lordq.PBits, _lordq.QBits, .. _lowRank.Lplr],
            Name.FlexRound => [_scales, _bits, _groupSize, _symmetric, _grid.Range, .. _learning.All],
            Name.OmniQuant => [_scales, _bits, _groupSize, _symmetric, _grid.Range, _parts, _alpha, .. _learning.All],
            Name.Lrq => [_scales, _bits, _groupSize, _symmetric, _grid.Range, _lordq.Rank, .. _learning.All],
            _ => [_scales, _incoherent, _bitsPerWeight, _budget, _ranks, .. _lordq.All, _groupSize, _clip, _damping, _dampingOf],
        };
        string name = method switch
        {
            Name.LordqBest => "lordq-best",
            Name.SvdLlm => "svd-llm",
            Name.ResSvd => "res-svd",
            _ => method.ToString().ToLowerInvariant(),
        };
        _tuning.Validate(given);
        var foreign = Given(given).Except([_method, _exactDirections, _exactColumns, .. _correction.All, .. _inputs.All, .. _tuning.All, .. _tuning.IsGiven(given) ? _learning.OfTuning : [], .. taken]).ToList();
        foreach (var option in foreign)
            given.AddError($"{option.Name} is not an option of {name}; it takes {string.Join(", ", taken.Select(o => o.Name))}.");
        if (given.GetValue(_clip) && given.GetResult(_grid.Range) is { Implicit: false }) given.AddError("--clip is --range clip; give one of them.");
        if (given.GetValue(_symmetric) && given.GetValue(_grid.Minima)) given.AddError("--symmetric leaves out what --minima stores; give one of them.");
        if (foreign.Count > 0) return;
        if (method == Name.Trellis && given.GetValue(_bits) is not null && given.GetValue(_bitsPerWeight) is not null)
            given.AddError("A trellis takes --bits or --bits-per-weight, not both.");
        try
        {
            Build(given).Validate();
        }
        catch (ArgumentException e)
        {
            given.AddError(e.Message);
        }
    }

    /// <summary>The method that valid flags say.</summary>
    public Method Build(CommandResult given)
    {
        var (directions, columns) = (given.GetValue(_exactDirections) ?? 0, given.GetValue(_exactColumns) ?? 0);
        var inner = _correction.Build(given, _inputs.Build(given, given.GetValue(_incoherent) ? new Incoherent(BuildInner(given)) : BuildInner(given)));
        return directions + columns == 0 ? inner : new Exact(inner, directions, columns);
    }

    /// <summary>The method without what is kept exact beside it.</summary>
    public Method BuildInner(CommandResult given)
    {
        var range = given.GetValue(_clip) ? GridRange.Clip : GridRange.MinMax;
        switch (given.GetValue(_method))
        {
            case Name.Rtn:
                return new RoundToNearest(Grid(given), given.GetValue(_grid.Range) ?? range);
            case Name.Gptq:
                return Gptq(given, given.GetValue(_grid.Range) ?? range);
            case Name.Awq:
                return _grid.Awq(given, given.GetValue(_clip) ? range : GridRange.Output, r => new RoundToNearest(Grid(given), r), r => Gptq(given, r));
            case Name.Lattice:
                return _lattice.Rotated(given, _lattice.ToLattice(given, WholeBits(given), given.GetValue(_damping), given.GetValue(_dampingOf)));
            case Name.Trellis:
                return _lattice.Rotated(given, _lattice.ToTrellis(given, given.GetValue(_bitsPerWeight) ?? given.GetValue(_bits), given.GetValue(_damping), given.GetValue(_dampingOf)));
            case Name.Quip:
                return _lattice.Rotated(given, _lattice.ToQuip(given, WholeBits(given), given.GetValue(_damping)));
            case Name.Caldera:
                return _lattice.ToCaldera(given, given.GetValue(_lordq.Rank), given.GetValue(_bits), given.GetValue(_bitsPerWeight), given.GetValue(_damping));
            case Name.Svd:
                return LowRank(given, InputWeighting.None);
            case Name.Asvd:
                return LowRank(given, InputWeighting.Magnitude, power: 0.5);
            case Name.SvdLlm:
                return LowRank(given, InputWeighting.Gram);
            case Name.ResSvd:
                return LowRank(given, InputWeighting.Gram, share: 0.25);
            case Name.Lplr:
                return _lowRank.BuildLplr(given, given.GetValue(_lordq.Rank), given.GetValue(_bitsPerWeight), given.GetValue(_lordq.PBits), given.GetValue(_lordq.QBits));
            case Name.FlexRound:
                return _learning.Apply(given, Ranged(given, new FlexRound(PerChannel(given))));
            case Name.Lrq:
                return _learning.Apply(given, Ranged(given, new Lrq(PerChannel(given), given.GetValue(_lordq.Rank))));
            case Name.OmniQuant:
                return _learning.Apply(given, Ranged(given, new OmniQuant(PerChannel(given), Learn: given.GetValue(_parts) ?? default, Alpha: given.GetValue(_alpha) ?? 0.5)));
            case Name.LordqBest:
                return new LordqBest(given.GetValue(_bitsPerWeight) ?? new LordqBest().BitsPerWeight);
            default:
                var lordq = new Lordq();
                return _lordq.Build(given, lordq) with
                {
                    BitsPerWeight = given.GetValue(_bitsPerWeight) ?? lordq.BitsPerWeight,
                    Budget = given.GetValue(_budget) ?? lordq.Budget,
                    Ranks = given.GetValue(_ranks) ?? lordq.Ranks,
                    Range = range,
                    GroupSize = given.GetValue(_groupSize) ?? lordq.GroupSize,
                    Damping = given.GetValue(_damping) ?? lordq.Damping,
                    DampingOf = given.GetValue(_dampingOf) ?? lordq.DampingOf,
                    Scales = given.GetValue(_scales) ?? lordq.Scales,
                };
        }
    }

    private LowRank LowRank(CommandResult given, InputWeighting weighting, double power = 1, double share = 0) => _lowRank.Build(given, weighting, power, share,
        given.GetValue(_lordq.Rank), given.GetValue(_bitsPerWeight), given.GetValue(_lattice.FactorBits), given.GetValue(_damping), given.GetValue(_dampingOf));

    private BlockMethod Ranged(CommandResult given, BlockMethod method) => given.GetValue(_grid.Range) is not { } range ? method : method switch
    {
        FlexRound flex => flex with { Range = range },
        Lrq lrq => lrq with { Range = range },
        OmniQuant omni => omni with { Range = range },
        _ => method,
    };

    private GridFormat PerChannel(CommandResult given) => Grid(given) with { GroupSize = given.GetValue(_groupSize) ?? 0 };

    private Gptq Gptq(CommandResult given, GridRange range)
    {
        var gptq = new Gptq(Grid(given), range, ActOrder: given.GetValue(_actOrder), StaticGroups: given.GetValue(_staticGroups));
        return gptq with
        {
            Damping = given.GetValue(_damping) ?? gptq.Damping,
            DampingOf = given.GetValue(_dampingOf) ?? gptq.DampingOf,
        };
    }

    private int? WholeBits(CommandResult given) => given.GetValue(_bits) is not { } bits ? null
        : bits == Math.Floor(bits) ? (int)bits
        : throw new ArgumentException(FormattableString.Invariant(
            $"--bits {bits}: codes of this method have whole bits. Halves are for trellis (and caldera --codes trellis); for {bits} bits per weight of any kind give --bits-per-weight {bits} alone, or with a method that takes it."));

    private GridFormat Grid(CommandResult given) => new(
        WholeBits(given) ?? 3, given.GetValue(_groupSize) ?? 64,
        given.GetValue(_symmetric) ? GridOffset.None : given.GetValue(_grid.Minima) ? GridOffset.Number : GridOffset.ZeroPoint,
        Scales: given.GetValue(_scales) ?? ScaleType.Bits16)
    { Super = _grid.Super(given) };
}
