using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Pipeline;
using Quarank.Pipeline.Transforms;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank transform MODEL OUT --rotate</c> or <c>--smooth 0.5</c>: the same function in coordinates that suit rounding better.</summary>
internal sealed class TransformCommand : TaughtCommand
{
    private readonly Terminal _terminal;
    private readonly Argument<string> _model = new("MODEL") { Description = "A model folder: config.json, safetensors and a tokenizer." };
    private readonly Argument<string> _out = new("OUT") { Description = "The new model folder, which must not exist yet." };
    private readonly Option<bool> _rotate = Inputs.Flag("--rotate", "Fold the gains of norms into layers and turn the residual stream, values, inner vectors and keys by Hadamard matrices (QuaRot).");
    private readonly Option<int?> _seed = Inputs.Whole("--seed", "N", "Of the residual stream's random signs (0).", 0);
    private readonly Option<bool> _noValues = Inputs.Flag("--no-values", "Leave values, and what the attention's output layer reads, as they are.");
    private readonly Option<bool> _noDown = Inputs.Flag("--no-down", "Leave what the feed-forward part's last layer reads as it is.");
    private readonly Option<bool> _noKeys = Inputs.Flag("--no-keys", "Leave queries and keys as they are.");
    private readonly Option<double?> _smooth = Inputs.Number("--smooth", "ALPHA",
        "Divide channels of large inputs in the norms and multiply them in the layers behind (SmoothQuant), the more the nearer ALPHA is to 1; 0.5 suits most models, 0.8 to 0.9 those with large outliers.", 0, 1);
    private readonly Option<string[]> _calibration = new("--calibration")
    {
        HelpName = "PATH",
        Description = "Texts whose largest inputs count: a text file, a JSON Lines file or a folder of them; may be given several times.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<int?> _samples = Inputs.Whole("--samples", "N", "Sequences (48).", 1);
    private readonly Option<int?> _length = Inputs.Whole("--length", "N", "Tokens in a sequence (512, or the model's context when that is shorter).", 2);
    private readonly Option<ElementType?> _type = Inputs.Choice("--type", "What rewritten weights are stored as (as they were).",
        ("float32", ElementType.F32), ("float16", ElementType.F16), ("bfloat16", ElementType.BF16));
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print JSON.");

    public TransformCommand(Terminal terminal)
        : base("transform", "Rewrites a model to the same function in other coordinates, which suit 4- and 8-bit inputs; compress it afterwards.",
        ("turn a model for 4-bit activations", "quarank transform samples/tales turned --rotate"),
        ("then round weights and inputs to 4 bits", "quarank compress turned tales-w4a4 --method gptq --bits 4 --group-size 0 --symmetric --clip --input-bits 4 --calibration samples/calibration.jsonl"),
        ("smooth a model for 8-bit activations", "quarank transform samples/tales smoothed --smooth 0.5 --calibration samples/calibration.jsonl --length 256"),
        ("then round weights and inputs to 8 bits, one input range a layer", "quarank compress smoothed tales-w8a8 --method rtn --bits 8 --group-size 0 --symmetric --input-bits 8 --input-static --calibration samples/calibration.jsonl"))
    {
        _terminal = terminal;
        Add(_model);
        Add(_out);
        AddGroup("Rotation", _rotate, _seed, _noValues, _noDown, _noKeys);
        AddGroup("Smoothing", _smooth, _calibration, _samples, _length, TokenizerOptions.Rules);
        AddGroup("Options", _type, ComputeOptions.Threads, _json);
        AddCheck(Check);
        SetAction(parsed =>
        {
            ComputeOptions.Apply(parsed);
            CheckpointWriter.RefuseExisting(parsed.GetRequiredValue(_out));
            using var checkpoint = Checkpoint.Open(parsed.GetRequiredValue(_model));
            if (parsed.GetValue(_rotate)) Rotate(parsed, checkpoint);
            else Smooth(parsed, checkpoint);
            return Application.Success;
        });
    }

    private void Check(CommandResult given)
    {
        bool smooths = given.GetValue(_smooth) is not null;
        if (given.GetValue(_rotate) == smooths)
            given.AddError(smooths ? "Rotating folds the norms' gains into the layers, which undoes smoothing: give --rotate or --smooth." : "Say what is to be done: --rotate, or --smooth 0.5.");
        if (smooths && given.GetResult(_calibration) is null) given.AddError("--smooth needs --calibration: texts that show how large inputs become.");
        foreach (Option option in smooths ? new Option[] { _seed, _noValues, _noDown, _noKeys } : [_calibration, _samples, _length, TokenizerOptions.Rules])
            if (given.GetResult(option) is { Implicit: false }) given.AddError($"{option.Name} belongs to {(smooths ? "--rotate" : "--smooth")}.");
    }

    private void Rotate(ParseResult parsed, Checkpoint checkpoint)
    {
        string path = parsed.GetRequiredValue(_out);
        var rotation = new RotationSpec(parsed.GetValue(_seed) ?? 0, !parsed.GetValue(_noValues), !parsed.GetValue(_noDown), !parsed.GetValue(_noKeys));
        var turned = ModelRotation.Rotate(checkpoint.Tensors, checkpoint.Config, rotation, parsed.GetValue(_type));
        turned.Write(path, checkpoint, _terminal.Stop);
        long bytes = turned.Tensors.All.Sum(t => t.ByteLength);
        if (parsed.GetValue(_json)) Json.Write(_terminal, new { Model = path, Rotation = rotation, turned.UntiedHead, turned.AddedBytes, Bytes = bytes });
        else
        {
            _terminal.Out.WriteLine($"{path}: rotated, {Units.Bytes(bytes)}");
            if (turned.UntiedHead) _terminal.Out.WriteLine($"the head was tied to the embedding and has a table of its own now: {Units.Bytes(turned.AddedBytes)} more");
        }
    }

    private void Smooth(ParseResult parsed, Checkpoint checkpoint)
    {
        string path = parsed.GetRequiredValue(_out);
        double alpha = parsed.GetRequiredValue(_smooth)!.Value;
        var settings = new CalibrationSettings(parsed.GetRequiredValue(_calibration))
        {
            Samples = parsed.GetValue(_samples) ?? 48,
            Length = parsed.GetValue(_length) ?? Math.Min(512, ModelSpec.Of(checkpoint).ContextLength),
            TokenizerRules = parsed.GetValue(TokenizerOptions.Rules) ?? default,
        };
        var calibration = CalibrationSet.Read(settings, Tokenizer.Load(checkpoint.Directory, settings.TokenizerRules), _terminal.Stop);
        var (smoothed, norms) = CompressionView.Follow(_terminal, "transform",
            progress => ModelSmoothing.Smooth(checkpoint.Tensors, checkpoint.Config, calibration, alpha, parsed.GetValue(_type), progress, _terminal.Stop));
        smoothed.Write(path, checkpoint, _terminal.Stop);
        long bytes = smoothed.Tensors.All.Sum(t => t.ByteLength);
        if (parsed.GetValue(_json)) Json.Write(_terminal, new { Model = path, Alpha = alpha, CalibrationTokens = calibration.Tokens, Norms = norms, Bytes = bytes });
        else
        {
            _terminal.Out.WriteLine(Units.Invariant($"{path}: {norms.Count} norms smoothed, {Units.Bytes(bytes)}"));
            _terminal.Out.WriteLine(Units.Invariant($"largest input of a channel over the mean of all channels': {norms.Average(n => n.Before):0.0} before, {norms.Average(n => n.After):0.0} now (mean over norms)"));
        }
    }
}
