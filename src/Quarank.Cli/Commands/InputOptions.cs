using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Numerics.Kernels;

namespace Quarank.Cli.Commands;

/// <summary>The flags that round what layers read, around any method, and LRC's, which corrects for it.</summary>
internal sealed class InputOptions
{
    private readonly Option<int?> _bits = Inputs.Whole("--input-bits", "N", "Round what every layer reads to 2 to 8 bits: W4A4 is --bits 4 --input-bits 4.", 2, 8);
    private readonly Option<int?> _groupSize = Inputs.Whole("--input-group-size", "N", "Inputs that share a scale: 32, 64, 128, or 0 for all of a token (0).", 0, 128);
    private readonly Option<bool> _asymmetric = Inputs.Flag("--input-asymmetric", "Ranges from the smallest to the largest input, instead of ± the largest magnitude.");
    private readonly Option<bool> _static = Inputs.Flag("--input-static", "One range a layer, that of calibration, instead of one for every token.");
    private readonly Option<string?> _clip = Inputs.Text("--input-clip", "X", "The part of the range that is kept, above 0 and up to 1, or `search` for the best on calibration, down to 0.4 of a token's range and a thousandth of a static one (1).");

    private readonly Option<double?> _rank = Inputs.Number("--lrc", "SHARE", "LRC around rtn or gptq: factors that read the input unrounded, of this share (0.1; with --lrc-of fixed the rank itself).", 0);
    private readonly Option<LrcRank?> _of = Inputs.Choice("--lrc-of", "What the share is of: the number of weights, the smaller side, the bytes of the rounded weight, or of nothing (weights).",
        ("weights", LrcRank.Weights), ("width", LrcRank.Width), ("bytes", LrcRank.Bytes), ("fixed", LrcRank.Fixed));
    private readonly Option<LrcFit?> _fit = Inputs.Choice("--lrc-fit", "Fit weights and factors to what the layer gives of rounded inputs (LRC), or to the weights alone: the plain SVD of what rounding took from them (outputs).",
        ("outputs", LrcFit.Outputs), ("weights", LrcFit.Weights));
    private readonly Option<int?> _factorBits = Inputs.Whole("--lrc-factor-bits", "N", "Bits of LRC's factors: 16, 8 or 4 (16).", 4, 16);
    private readonly Option<int?> _iterations = Inputs.Whole("--lrc-iterations", "N", "How often LRC's weights and factors take turns; the best pair is kept (1).", 1, 1000);

    public Option[] All => [_bits, _groupSize, _asymmetric, _static, _clip, _rank, _of, _fit, _factorBits, _iterations];

    /// <summary>The method around <paramref name="inner"/>; itself where nothing is asked for.</summary>
    /// <exception cref="ArgumentException">A flag is given without the one that it belongs to.</exception>
    public Method Build(CommandResult given, Method inner)
    {
        bool corrects = given.GetValue(_rank) is not null;
        foreach (var option in All)
        {
            if (option == _bits || given.GetResult(option) is not { Implicit: false }) continue;
            if (given.GetValue(_bits) is null) throw new ArgumentException($"{option.Name} needs --input-bits.");
            if (!corrects && (option == _of || option == _fit || option == _factorBits || option == _iterations)) throw new ArgumentException($"{option.Name} needs --lrc.");
        }
        if (given.GetValue(_bits) is not { } bits) return inner;
        // Channels are scaled before they are rounded.
        if (inner is ScaledMethod scaled) return scaled with { Inner = Build(given, scaled.Inner) };
        var grid = new InputGrid(bits, given.GetValue(_groupSize) ?? 0, !given.GetValue(_asymmetric), given.GetValue(_static));
        double? clip = given.GetValue(_clip) switch
        {
            null => 1,
            "search" => null,
            var text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double x) ? x
                : throw new ArgumentException($"--input-clip takes a number above 0 and up to 1, or search, not '{text}'."),
        };
        if (given.GetValue(_rank) is not { } rank) return new RoundedInputs(inner, grid, clip);
        var lrc = new Lrc(inner, grid, rank, Clip: clip);
        return lrc with
        {
            RankOf = given.GetValue(_of) ?? lrc.RankOf,
            FitTo = given.GetValue(_fit) ?? lrc.FitTo,
            FactorBits = given.GetValue(_factorBits) ?? lrc.FactorBits,
            Iterations = given.GetValue(_iterations) ?? lrc.Iterations,
        };
    }
}
