using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Cli;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>The main path of every family: compress, inspect, evaluate, generate, from folders as transformers writes them.</summary>
public sealed class FamilyEndToEndTests : IDisposable
{
    /// <summary>
    /// Methods, and how far logits may then lie from the original's: 8 bits lose 1/255 of a row's range, 4 bits sixteen times as much, and
    /// random matrices have no low rank. What belongs to another place or is lost on the way is further off: two
    /// unrelated models are √2 apart.
    /// </summary>
    private static readonly (string Arguments, double Bound)[] Methods =
    [
        ("rtn --bits 8", 0.03),
        ("gptq --bits 4 --group-size 8", 0.3),
        ("lrq --bits 4 --steps 3", 1),
        ("lordq --bits-per-weight 13 --p-bits 8 --q-bits 8", 1),
    ];

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => [.. SomeFamily.Names];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_family_is_compressed_reloaded_measured_and_heard(string name)
    {
        var some = SomeFamily.Build(name);
        string model = Write(some), text = _folder["text.txt"];
        File.WriteAllText(text, string.Concat(Enumerable.Range(0, 120).Select(i => $"{i * i} hens, ")));
        var ids = some.Ids(60);
        var dense = some.Load();
        var expected = dense.Logits(dense.Forward(ids));
        var (layers, _) = Layers(model);
        Assert.Equal(some.Spec.BlockCount * some.Spec.Projections(0).Count, layers);

        foreach (var (arguments, bound) in Methods)
        {
            string output = _folder[$"out-{arguments.Split(' ')[0]}"];
            Done(["compress", model, output, "--method", .. arguments.Split(' '), "--calibration", text, "--samples", "8", "--length", "48"]);
            Assert.Equal((layers, layers), Layers(output));

            var loaded = Load(output);
            Assert.InRange(RelativeDistance(expected, loaded.Logits(loaded.Forward(ids))), 1e-6, bound);

            double perplexity = Done("evaluate", output, "--text", text, "--length", "64", "--json").Json.GetProperty("perplexity").GetDouble();
            Assert.InRange(perplexity, 1, 1e4);
            AssertHeard(output, loaded);
        }
    }

    [Fact]
    public void What_belongs_to_no_layer_stays_as_it_is()
    {
        string model = Write(SomeFamily.Build("mixtral")), output = _folder["out"], text = _folder["text.txt"];
        File.WriteAllText(text, string.Concat(Enumerable.Range(0, 120).Select(i => $"{i * i} hens, ")));
        Done("compress", model, output, "--method", "rtn", "--bits", "3", "--calibration", text, "--samples", "8", "--length", "48");
        using Checkpoint before = Checkpoint.Open(model), after = Checkpoint.Open(output);
        string[] kept = ["block_sparse_moe.gate.weight", "input_layernorm.weight", "post_attention_layernorm.weight"];
        foreach (string tensor in kept.Select(k => $"model.layers.1.{k}").Append("model.embed_tokens.weight").Append("lm_head.weight"))
            Assert.Equal(before.Tensors[tensor].ReadAll(), after.Tensors[tensor].ReadAll());
        Assert.False(after.Tensors.Contains("model.layers.1.block_sparse_moe.experts.2.w1.weight"));
    }

    private string Write(SomeFamily some)
    {
        new CheckpointWriter(some.Config, some.Tensors.All).Write(_folder["model"]);
        File.WriteAllText(Path.Combine(_folder["model"], "tokenizer.json"), TinyLlama.Tokenizer().ToJsonString());
        return _folder["model"];
    }

    private static Model Load(string folder)
    {
        using var checkpoint = Checkpoint.Open(folder);
        return Model.Load(checkpoint);
    }

    private static (int Linear, int Compressed) Layers(string folder)
    {
        var json = Done("inspect", folder, "--json").Json;
        return (json.GetProperty("linearLayers").GetInt32(), json.GetProperty("compressedLayers").GetInt32());
    }

    /// <summary>Greedy text is what the batch would choose step by step; 30 + 6 tokens pass every window, and the switch of rotations at 32.</summary>
    private static void AssertHeard(string folder, Model model)
    {
        const string prompt = "400 hens, 441 hens, 484 hens, ";
        var heard = Done("generate", folder, "--prompt", prompt, "--tokens", "6", "--activations", "float", "--kv-cache", "f32", "--json").Json.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32()).ToArray();
        List<int> ids = [.. prompt.Select(c => (int)c)];
        int[] ends = [.. model.Spec.EndOfText];
        foreach (int next in heard)
        {
            var states = model.Forward(ids.ToArray());
            var logits = model.Logits(new Matrix<float>(1, states.Columns, states.Row(ids.Count - 1).ToArray())).Row(0);
            Assert.Equal(TensorPrimitives.Max<float>(logits), logits[next], 1e-4f * Math.Abs(TensorPrimitives.MaxMagnitude<float>(logits)));
            ids.Add(next);
        }
        Assert.True(heard.Length == 6 || ends.Length > 0);
    }

    private static double RelativeDistance(Matrix<float> expected, Matrix<float> actual) =>
        TensorPrimitives.Distance<float>(expected.Data, actual.Data) / TensorPrimitives.Norm<float>(expected.Data);

    private static Outcome Done(params string[] arguments)
    {
        var outcome = TheProgram.Run(arguments);
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        return outcome;
    }
}
