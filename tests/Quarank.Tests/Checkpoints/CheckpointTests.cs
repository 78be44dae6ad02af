using Quarank.Checkpoints;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Checkpoints;

public class CheckpointTests
{
    public static TheoryData<string> Architectures =>
        ["gemma2", "gemma3", "llama", "llama-tied-bias", "llama3-rope", "mistral-window", "mixtral", "opt", "opt-post-norm-proj", "phi3",
         "phi3-longrope", "qwen2", "qwen3"];

    [Theory, MemberData(nameof(Architectures))]
    public void Models_of_other_programs_open(string name)
    {
        string folder = Shared.Find("golden", "arch", name);
        using var model = Checkpoint.Open(folder);
        using var golden = Checkpoint.Open(Path.Combine(folder, "golden.safetensors"));

        Assert.StartsWith(name[..3], model.Config.GetProperty("model_type").GetString());
        Assert.Equal(new FileInfo(Path.Combine(folder, "model.safetensors")).Length, model.FileBytes);
        Assert.Equal("pt", model.Metadata["format"]);
        Assert.NotEmpty(model.Tensors.Names);
        Assert.All(model.Tensors.All, t => Assert.All(t.ReadAll(), v => Assert.True(float.IsFinite(v))));

        int[] ids = golden.Tensors["input_ids"].ReadArray<int>();
        var logits = golden.Tensors["logits"];
        Assert.Equal((ids.Length, 160), (logits.Rows, logits.Columns));
        Assert.Equal(folder, golden.Directory);
    }

    [Fact]
    public void Doubles_are_read_as_doubles_and_rounded_to_floats()
    {
        using var golden = Checkpoint.Open(Shared.Find("golden", "methods", "golden.safetensors"));
        var problem = golden.Tensors.Under("wide");
        double[] x = problem["X"].ReadArray<double>(), h = problem["H"].ReadArray<double>();
        int n = problem["X"].Columns, tokens = problem["X"].Rows;

        // The file says H = XᵀX / tokens; one entry of it checks both reads.
        double sum = 0;
        for (int t = 0; t < tokens; t++) sum += x[t * n + 1] * x[t * n + 2];
        Assert.Equal(h[n + 2], sum / tokens, 1e-12);
        Assert.Equal(x.Select(v => (float)v), problem["X"].ReadAll());
    }
}
