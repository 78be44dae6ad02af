using System.CommandLine;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Models;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank inspect MODEL</c>: what a model is made of, read from its headers.</summary>
internal sealed class InspectCommand : TaughtCommand
{
    private readonly Argument<string> _model = new(
        "MODEL")
    { Description = "A model folder: config.json, safetensors and a tokenizer." };
    private readonly Option<bool> _tensors = Inputs.Flag("--tensors", "List every tensor with its type, shape and bytes.");
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print JSON.");

    public InspectCommand(Terminal terminal)
        : base("inspect", "Shows what a model is made of, and what of it is compressed and how.",
        ("what is in this model?", "quarank inspect samples/tales"),
        ("every tensor of it", "quarank inspect samples/tales --tensors"),
        ("for a script", "quarank inspect samples/tales --json"))
    {
        Add(_model);
        AddGroup("Options", _tensors, _json);
        SetAction(parsed =>
        {
            using var checkpoint = Checkpoint.Open(parsed.GetRequiredValue(_model));
            if (parsed.GetValue(_tensors)) WriteTensors(terminal, checkpoint, parsed.GetValue(_json));
            else Write(terminal, ModelSummary.Of(checkpoint), parsed.GetValue(_json));
            return Application.Success;
        });
    }

    private static void Write(Terminal terminal, ModelSummary model, bool json)
    {
        if (json)
        {
            Json.Write(terminal, model);
            return;
        }
        Tables.WritePairs(terminal, [.. model.Pairs()]);
        var layers = model.Storage.Concat(model.TableStorage).GroupBy(l => (l.Kind, l.Rows, l.Columns, Form: CompressedLayers.Describe(l)));
        terminal.Out.WriteLine();
        Tables.Write(terminal,
            [new("layer"), new("count", true), new("rows x columns", true), new("stored as"), new("bits per weight", true),
            new("bytes", true)],
            layers.Select(g =>
                (IReadOnlyList<string>)[g.Key.Kind, Units.Count(g.Count()), Units.Invariant($"{g.Key.Rows} x {g.Key.Columns}"),
                g.Key.Form,
                Units.BitsPerWeight(8.0 * g.Sum(l => l.Bytes) / g.Sum(l => l.Weights)), Units.Bytes(g.Sum(l => l.Bytes))]));
    }

    private static void WriteTensors(Terminal terminal, Checkpoint checkpoint, bool json)
    {
        if (json)
        {
            Json.Write(terminal,
                checkpoint.Tensors.All.Select(t => new { t.Name, Type = t.Type.ToString(), t.Shape, Bytes = t.ByteLength }));
            return;
        }
        Tables.Write(terminal, [new("tensor"), new("type"), new("shape", true), new("bytes", true)],
            checkpoint.Tensors.All
                .Select(t =>
                (IReadOnlyList<string>)[t.Name, t.Type.ToString(), string.Join(" x ", t.Shape), Units.Count(t.ByteLength)]));
    }
}
