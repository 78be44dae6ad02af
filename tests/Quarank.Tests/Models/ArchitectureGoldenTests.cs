using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>Logits and hidden states of small random models, as transformers computes them in float32.</summary>
public class ArchitectureGoldenTests
{
    // Both sides compute in float32 in different order; 1e-4 of the largest value is what SOURCE.md of the goldens asks.
    private const float Tolerance = 1e-4f;

    public static TheoryData<string> Names => new("llama", "llama-tied-bias", "llama3-rope", "mistral-window", "mixtral", "qwen2", "qwen3",
        "phi3", "phi3-longrope", "gemma2", "gemma3", "opt", "opt-post-norm-proj");

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_and_hidden_states_are_those_of_transformers(string name)
    {
        string folder = Shared.Find("golden", "arch", name);
        using var checkpoint = Checkpoint.Open(folder);
        using var golden = Checkpoint.Open(Path.Combine(folder, "golden.safetensors"));
        var ids = golden.Tensors["input_ids"].ReadArray<int>();

        var model = Model.Load(checkpoint);
        var hidden = model.Embedding.Apply(ids);
        for (int i = 0; i < model.Blocks.Count; i++)
        {
            AssertClose(golden.Tensors[$"hidden.{i}"].ReadMatrix(), hidden);
            model.Blocks[i].Forward(hidden);
        }
        AssertClose(golden.Tensors[$"hidden.{model.Blocks.Count}"].ReadMatrix(), model.Forward(ids));
        AssertClose(golden.Tensors["logits"].ReadMatrix(), model.Logits(model.Forward(ids)));
    }

    private static void AssertClose(Matrix<float> expected, Matrix<float> actual)
    {
        Assert.Equal((expected.Rows, expected.Columns), (actual.Rows, actual.Columns));
        var difference = expected.Clone();
        TensorPrimitives.Subtract(difference.Data, actual.Data, difference.Data);
        float greatest = Math.Abs(TensorPrimitives.MaxMagnitude<float>(expected.Data));
        Assert.InRange(Math.Abs(TensorPrimitives.MaxMagnitude<float>(difference.Data)), 0, Tolerance * greatest);
    }
}
