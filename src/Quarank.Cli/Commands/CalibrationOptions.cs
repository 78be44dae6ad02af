using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Pipeline;

namespace Quarank.Cli.Commands;

/// <summary>The flags that say what a run is calibrated on; beside a recipe they overrule it.</summary>
internal sealed class CalibrationOptions
{
    private readonly Option<string[]> _paths = new("--calibration")
    {
        HelpName = "PATH",
        Description =
            "A text file, a JSON Lines file (field \"text\"; also .gz) or a folder of them; may be given several times.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<int?> _samples = Inputs.Whole("--samples", "N", "Sequences (48).", 1);
    private readonly Option<int?> _length = Inputs.Whole(
        "--length", "N", "Tokens in a sequence (2048, or the model's context when that is shorter).", 2);
    private readonly Option<Sampling?> _sampling = Inputs.Choice("--sampling",
        "Cut the first tokens of all texts joined; or draw windows of the joined texts; or windows of long documents (concatenate).",
        ("concatenate", Sampling.Concatenate), ("windows", Sampling.Windows), ("documents", Sampling.Documents));

    /// <summary>Token weights by the words of the flag, which are also the recipe's.</summary>
    public static (string Word, TokenWeights Value)[] Weights { get; } =
    [
        ("auto", TokenWeights.Auto), ("none", TokenWeights.None), ("unit", TokenWeights.Unit), ("squareRoot", TokenWeights.SquareRoot),
        ("mixed", TokenWeights.Mixed), ("cut", TokenWeights.Cut),
    ];

    private readonly Option<TokenWeights?> _tokenWeights = Inputs.Choice("--token-weights",
        "How calibration tokens count: as the method likes best; all as they are; at norm 1; at the root of their norm; the mean of the first two; "
        + "or with the largest norms cut (auto).",
        Weights);

    private readonly Option<double?> _normCut = Inputs.Number(
        "--norm-cut", "C", "--token-weights cut: norms above C times the median of their sequence are held down to that (4).", 0.01);

    private readonly Option<int?> _seed = Inputs.Whole(
        "--seed", "N",
        "Where everything random starts: the drawing of windows and documents, and the method's own chance (0).", 0);
    private readonly Option<Propagation?> _propagate = Inputs.Choice("--propagate",
        "Fit each block to the outputs of the compressed blocks before it, or of the original ones (compressed).",
        ("compressed", Propagation.Compressed), ("original", Propagation.Original));

    private readonly Option<Order?> _order = Inputs.Choice(
        "--order", "Observe a block's inputs once, or anew before the layers of each site (block).",
        ("block", Order.Block), ("site", Order.Site));

    public Option[] All => [_paths, _samples, _length, _sampling, _seed, _propagate, _order, _tokenWeights, _normCut, TokenizerOptions.Rules];

    public void Validate(CommandResult given, bool hasRecipe)
    {
        if (!hasRecipe && given.GetResult(_paths) is null) given
            .AddError("Option '--calibration' is required: a text, or a folder of texts.");
    }

    public bool KeepsOriginal(CommandResult given) => given.GetValue(_propagate) == Propagation.Original;

    /// <summary>The recipe with what was given in its place.</summary>
    /// <param name="contextLength">The model's positions, which the default length does not exceed.</param>
    public Recipe Apply(CommandResult given, Recipe recipe, int contextLength, bool hasRecipe)
    {
        var calibration = recipe.Calibration;
        return recipe with
        {
            Propagate = given.GetValue(_propagate) ?? recipe.Propagate,
            Order = given.GetValue(_order) ?? recipe.Order,
            Seed = given.GetValue(_seed) ?? recipe.Seed,
            Calibration = calibration with
            {
                Paths = given.GetValue(_paths) is { Length: > 0 } paths ? paths : calibration.Paths,
                Samples = given.GetValue(_samples) ?? calibration.Samples,
                Length = given.GetValue(_length)
                    ?? (hasRecipe ? calibration.Length : Math.Min(calibration.Length, contextLength)),
                TokenWeights = given.GetValue(_tokenWeights) ?? calibration.TokenWeights,
                NormCut = given.GetValue(_normCut) ?? calibration.NormCut,
                TokenizerRules = given.GetValue(TokenizerOptions.Rules) ?? calibration.TokenizerRules,
                Sampling = given.GetValue(_sampling) ?? calibration.Sampling,
                Seed = given.GetValue(_seed) ?? calibration.Seed,
            },
        };
    }
}
