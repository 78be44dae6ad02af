using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

public sealed class AssignmentTests : IDisposable
{
    private static readonly Method Two = new RoundToNearest(new GridFormat(2)), Three = new RoundToNearest(new GridFormat(3)),
        Four = new RoundToNearest(new GridFormat(4));

    private static readonly LayerShape[] Shapes =
    [
        .. from block in Enumerable.Range(0, 12)
           from kind in new[] { "self_attn.q_proj", "mlp.up_proj", "mlp.down_proj" }
           select new LayerShape($"model.layers.{block}.{kind}", 48, 32),
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static Recipe Mixed(params (string Name, Method Method)[] layers) => new(Two, new(["a.txt"]))
    {
        Layers = layers.ToDictionary(l => l.Name, l => l.Method),
    };

    [Fact]
    public void A_name_comes_before_a_pattern_and_a_closer_pattern_before_a_wider_one()
    {
        var methods = Assignment.Of(Mixed(("*.mlp.*", Three), ("model.layers.*.mlp.down_proj", Four),
            ("model.layers.1.mlp.down_proj", new RoundToNearest(new GridFormat(8)))), Shapes);
        Assert.Equal(Two, methods["model.layers.1.self_attn.q_proj"]);
        Assert.Equal(Three, methods["model.layers.1.mlp.up_proj"]);
        Assert.Equal(new RoundToNearest(new GridFormat(8)), methods["model.layers.1.mlp.down_proj"]);
        Assert.Equal(Four, methods["model.layers.11.mlp.down_proj"]);
    }

    [Fact]
    public void A_budget_counts_the_layers_that_have_it()
    {
        var methods = Assignment.Of(Mixed(("*.down_proj", new Lordq(3))), Shapes);
        var down = Shapes.Where(s => s.Name.EndsWith("down_proj")).ToList();
        double bits = (double)down.Sum(s => methods[s.Name].PlannedBits(s)) / down.Sum(s => s.Rows * s.Columns);
        Assert.InRange(bits, 2.5, 3);
    }

    [Theory]
    [InlineData("model.layers.3.mlp.down", "matches no layer")]
    [InlineData("model.layers.12.*", "matches no layer")]
    public void A_name_that_no_layer_has_is_refused(string name, string says)
    {
        string message = Assert.Throws<InvalidDataException>(() => Assignment.Of(Mixed((name, Three)), Shapes)).Message;
        Assert.Contains(says, message);
        Assert.Contains(name, message);
        Assert.Contains("model.layers.0.self_attn.q_proj", message);
    }

    [Fact]
    public void Patterns_that_say_as_much_must_say_the_same()
    {
        var recipe = Mixed(("*.mlp.down_*", Three), ("*mlp.down_pr*", Four), ("*mlp.down_p*", Four));
        Assert.Equal(Four, Assignment.Of(recipe, Shapes)["model.layers.0.mlp.down_proj"]);
        recipe = Mixed(("*.mlp.down*", Three), ("*mlp.down_*", Four));
        Assert.Contains("match it alike", Assert.Throws<InvalidDataException>(() => Assignment.Of(recipe, Shapes)).Message);
    }

    [Fact]
    public void A_method_of_a_layer_is_checked_by_name()
    {
        const string json = """
            { "method": { "method": "rtn", "grid": { "bits": 2 } }, "calibration": { "paths": ["a.txt"] },
              "layers": { "*.down_proj": { "method": "gptq", "grid": { "bits": 4, "groupsize": 64 } } } }
            """;
        Assert.Contains("key 'layers.*.down_proj.grid.groupsize' is not known",
            Assert.Throws<InvalidDataException>(() => Recipe.Parse(json, "r.json")).Message);
        string model = TinyLlama.Write(_folder["model"]);
        var recipe = Mixed(("*.down_proj", new Gptq(new GridFormat(4), Damping: -1)));
        string message = Assert.Throws<InvalidDataException>(() => CompressionRun.Execute(model, _folder["out"], recipe)).Message;
        Assert.StartsWith("*.down_proj: Damping", message);
    }

    [Fact]
    public void A_run_gives_each_layer_its_method_and_goes_by_it_in_plan_report_and_file()
    {
        string model = TinyLlama.Write(_folder["model"]);
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        var calibration = new CalibrationSettings([_folder["text.txt"]]) { Samples = 4, Length = 32 };
        var recipe = Mixed(("*.mlp.*", new Gptq(new GridFormat(3, 16))), ("model.layers.1.self_attn.q_proj", new Lordq(4)))
            with
        { Calibration = calibration, Fallback = false };
        recipe = Recipe.Parse(recipe.ToJson(), "again");
        var report = CompressionRun.Execute(model, _folder["mixed"], recipe);
        foreach (var layer in report.Layers)
        {
            if (layer.Name.Contains(".mlp.")) Assert.Equal(new GridFormat(3, 16), layer.Form);
            else if (layer.Name == "model.layers.1.self_attn.q_proj") Assert.IsType<ProductFormat>(layer.Form);
            else Assert.Equal(new GridFormat(2), layer.Form);
        }
        Assert.Equal(recipe.ToJson(), report.Recipe.ToJson());

        using var checkpoint = Quarank.Checkpoints.Checkpoint.Open(model);
        var plan = Plan.Of(checkpoint, Quarank.Models.ModelSpec.Of(checkpoint), recipe);
        Assert.Equal(report.Layers.Select(l => (l.Name, l.Bits)), plan.Layers.Select(l => (l.Name, l.Bits)));
        Assert.Equal(report.BitsPerWeight, plan.BitsPerWeight, 12);
    }
}
