using System.CommandLine;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Pipeline.Transforms;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank transform MODEL OUT --rotate</c>: the same function in coordinates that suit rounding better.</summary>
internal sealed class TransformCommand : TaughtCommand
{
    private readonly Argument<string> _model = new("MODEL") { Description = "A model folder: config.json, safetensors and a tokenizer." };
    private readonly Argument<string> _out = new("OUT") { Description = "The new model folder, which must not exist yet." };
    private readonly Option<bool> _rotate = Inputs.Flag("--rotate", "Fold the gains of norms into layers and turn the residual stream, values, inner vectors and keys by Hadamard matrices (QuaRot).");
    private readonly Option<int?> _seed = Inputs.Whole("--seed", "N", "Of the residual stream's random signs (0).", 0);
    private readonly Option<bool> _noValues = Inputs.Flag("--no-values", "Leave values, and what the attention's output layer reads, as they are.");
    private readonly Option<bool> _noDown = Inputs.Flag("--no-down", "Leave what the feed-forward part's last layer reads as it is.");
    private readonly Option<bool> _noKeys = Inputs.Flag("--no-keys", "Leave queries and keys as they are.");
    private readonly Option<ElementType?> _type = Inputs.Choice("--type", "What rewritten weights are stored as (as they were).",
        ("float32", ElementType.F32), ("float16", ElementType.F16), ("bfloat16", ElementType.BF16));
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print JSON.");

    public TransformCommand(Terminal terminal)
        : base("transform", "Rewrites a model to the same function in other coordinates, which suit 4-bit inputs; compress it afterwards.",
        ("turn a model for 4-bit activations", "quarank transform samples/tales turned --rotate"),
        ("then round weights and inputs to 4 bits", "quarank compress turned tales-w4a4 --method gptq --bits 4 --group-size 0 --symmetric --clip --input-bits 4 --calibration samples/calibration.jsonl"))
    {
        Add(_model);
        Add(_out);
        AddGroup("Options", _rotate, _seed, _noValues, _noDown, _noKeys, _type, _json);
        AddCheck(given =>
        {
            if (!given.GetValue(_rotate)) given.AddError("Say what is to be done: --rotate.");
        });
        SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(_out);
            CheckpointWriter.RefuseExisting(path);
            using var checkpoint = Checkpoint.Open(parsed.GetRequiredValue(_model));
            var rotation = new RotationSpec(parsed.GetValue(_seed) ?? 0, !parsed.GetValue(_noValues), !parsed.GetValue(_noDown), !parsed.GetValue(_noKeys));
            var turned = ModelRotation.Rotate(checkpoint.Tensors, checkpoint.Config, rotation, parsed.GetValue(_type));
            turned.Write(path, checkpoint, terminal.Stop);
            long bytes = turned.Tensors.All.Sum(t => t.ByteLength);
            if (parsed.GetValue(_json)) Json.Write(terminal, new { Model = path, Rotation = rotation, turned.UntiedHead, turned.AddedBytes, Bytes = bytes });
            else
            {
                terminal.Out.WriteLine($"{path}: rotated, {Units.Bytes(bytes)}");
                if (turned.UntiedHead) terminal.Out.WriteLine($"the head was tied to the embedding and has a table of its own now: {Units.Bytes(turned.AddedBytes)} more");
            }
            return Application.Success;
        });
    }
}
