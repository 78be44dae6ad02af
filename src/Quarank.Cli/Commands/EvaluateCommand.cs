using System.CommandLine;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank evaluate MODEL --text FILE</c>: perplexity, with its standard error.</summary>
internal sealed class EvaluateCommand : TaughtCommand
{
    private readonly Argument<string> _model = new("MODEL") { Description = "A model folder, compressed or not." };
    private readonly Option<string> _text = new("--text")
    {
        HelpName = "FILE",
        Description = "A UTF-8 text, or JSON Lines (field \"text\"; also .gz) whose texts are joined by an empty line.",
        Required = true,
    };

    private readonly Option<int?> _segments = Inputs.Whole("--segments", "N", "Only the first segments (all).", 1);
    private readonly Option<int?> _length = Inputs.Whole(
        "--length", "N", "Tokens in a segment (2048, or the model's context when that is shorter).", 2);
    private readonly Option<int?> _stride = Inputs.Whole("--stride", "N",
        "A sliding window that moves by so many tokens and foretells only those; without it, segments that do not overlap, as the GPTQ paper measures.", 1);

    private readonly Option<string?> _against = Inputs.Text("--against", "DENSE",
        "The model it was made of: also tells how far the next-token distributions lie from that model's (Kullback-Leibler divergence, top-1 agreement).");

    private readonly Option<bool> _json = Inputs.Flag(
        "--json", "Print JSON: perplexity, standardError, tokens, segments, bitsPerWeight, fileBytes and more.");

    public EvaluateCommand(Terminal terminal)
        : base("evaluate", "Measures how well a model foretells a text (perplexity: lower is better).",
        ("the sample model on the sample tale", "quarank evaluate samples/tales --text samples/evaluation.txt"),
        ("every token with a long context before it",
            "quarank evaluate samples/tales --text samples/evaluation.txt --stride 512"),
        ("a compressed model beside the one it was made of",
            "quarank evaluate runs/tales-lordq2 --against samples/tales --text samples/evaluation.txt --length 256"),
        ("a quick look at the first 8 segments, for a script", "quarank evaluate MODEL --text wiki.test.raw --segments 8 --json"))
    {
        Add(_model);
        AddGroup("Options", _text, _segments, _length, _stride, _against, ComputeOptions.Threads, _json);
        AddCheck(given =>
        {
            if (given.GetValue(_stride) is { } stride && given.GetValue(_length) is { } length && stride >= length)
                given.AddError($"--stride must be less than --length, {stride} is not less than {length}.");
            if (given.GetValue(_stride) is not null && given.GetValue(_against) is not null)
                given.AddError("--against compares segments that do not overlap; leave out --stride.");
        });
        SetAction(parsed =>
        {
            ComputeOptions.Apply(parsed);
            using var checkpoint = Checkpoint.Open(parsed.GetRequiredValue(_model));
            var measured = Measured
                .Of(terminal, checkpoint, parsed.GetRequiredValue(_text), parsed.GetValue(_length), parsed.GetValue(_stride),
                parsed.GetValue(_segments), parsed.GetValue(_against));
            Write(terminal, measured, parsed.GetValue(_json));
            return Application.Success;
        });
    }

    private static void Write(Terminal terminal, Measured measured, bool json)
    {
        if (json)
        {
            Json.Write(terminal, measured);
            return;
        }
        Tables.WritePairs(terminal,
        [
            ("perplexity", $"{Units.Perplexity(measured.Perplexity)} ± {Units.Perplexity(measured.StandardError)}"),
            ("protocol", measured.Protocol),
            ("tokens", $"{Units.Count(measured.Tokens)} in {Units.Count(measured.Segments)} segments"),
            ("bits per weight", Units.BitsPerWeight(measured.BitsPerWeight)),
            ("weights", Units.Bytes(measured.FileBytes)),
            ("time", Units.Duration(measured.Seconds)),
            .. Pairs(measured.Against),
        ]);
    }

    private static IEnumerable<(string Name, string Value)> Pairs(MeasuredAgainst? against) => against is null ? [] :
    [
        ("against", Units.Invariant($"{against.Model}: perplexity {Units.Perplexity(against.Perplexity)} ± {Units.Perplexity(against.StandardError)}")),
        ("loss difference", Units.Invariant($"{against.LossDifference:0.0000} ± {against.LossDifferenceError:0.0000} nats")),
        ("divergence", Units.Invariant($"{against.KlMean:0.0000} ± {against.KlMeanError:0.0000} nats, 99 % of tokens below {against.Kl99:0.000}")),
        ("top-1 agreement", Units.Invariant($"{100 * against.TopAgreement:0.0} %")),
    ];
}
