using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>Layers of whole blocks learned together, through the run that does it.</summary>
public sealed class BlockLearningTests : IDisposable
{
    private static readonly LearningSettings Few = new(Steps: 12, Rate: 0.01);

    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly CalibrationSettings _text;

    public BlockLearningTests()
    {
        _model = TinyLlama.Write(_folder["model"]);
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        _text = new([_folder["text.txt"]]) { Samples = 16, Length = 24 };
    }

    public static TheoryData<string> Names => ["flexround", "lrq"];

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Names))]
    public void Learned_blocks_err_less_than_rounded_ones_and_are_stored_as_plain_grids(string name)
    {
        var report = Run("out", Method(name));
        Assert.Equal(TinyLlama.Blocks, report.Learned.Count);
        Assert.All(report.Learned, l =>
        {
            Assert.Equal((14, 2, 12), (l.Samples, l.HeldOut, l.Steps));
            Assert.InRange(l.After, 0, 0.9 * l.Before);
        });
        Assert.All(report.Layers, l => Assert.Equal(new GridFormat(3), l.Form));
        var rounded = Run("rounded", new RoundToNearest(new(3), GridRange.Clip));
        Assert.Equal(rounded.BitsPerWeight, report.BitsPerWeight);
        Assert.Equal(rounded.FileBytes, report.FileBytes);
    }

    [Fact]
    public void Thread_counts_give_the_same_bytes() => ThreadCounts.GiveTheSame(count => Run($"threads-{count}", Method("lrq")).Files);

    [Fact]
    public void Stopped_between_blocks_it_goes_on_to_the_same_bytes()
    {
        var whole = Run("whole", Method("flexround"));
        foreach (int blocks in (int[])[1, 2])
        {
            Run("parts", Method("flexround"), new() { StopAfter = blocks });
            var parts = Run("parts", Method("flexround"));
            Assert.Equal(whole.Files, parts.Files);
            Assert.Equal(whole.Learned, parts.Learned);
            Directory.Delete(_folder["parts"], recursive: true);
        }
    }

    [Fact]
    public void What_a_time_budget_chose_gives_the_same_model_when_a_recipe_says_it()
    {
        var budget = Run("budget", Method("lrq"), new() { TimeBudget = TimeSpan.FromSeconds(1) });
        Assert.All(budget.Learned, l => Assert.InRange(l.Steps, 1, 100_000));
        var said = CompressionRun.Execute(_model, _folder["said"], new Recipe(Method("lrq"), _text)
        {
            Layers = budget.Learned.Select((l, i) => (Name: $"model.layers.{i}.*", l.Steps)).ToDictionary(
                b => b.Name, b => (Method)(Method("lrq") with { Learning = Few with { Steps = b.Steps } })),
        });
        Assert.Equal(budget.Learned, said.Learned);
        Assert.Equal(Tensors(budget), Tensors(said));
        static List<KeyValuePair<string, string>> Tensors(CompressionReport report) =>
            [.. report.Files.Where(f => f.Key.EndsWith(".safetensors", StringComparison.Ordinal))];
    }

    [Fact]
    public void Sequences_are_as_many_as_the_time_lets_learn_from_four_times_and_the_report_says_so()
    {
        // 30 blocks of 40 s less the reserve, 22 passes of a tenth of a second each.
        Assert.Equal(17, SampleBudget.Choose(seconds: 1200, blocks: 30, pass: 0.1, most: 128));
        Assert.Equal(128, SampleBudget.Choose(seconds: 1e6, blocks: 30, pass: 0.1, most: 128));
        Assert.Equal(16, SampleBudget.Choose(seconds: 1, blocks: 30, pass: 0.1, most: 128));
        Assert.Equal(7, SampleBudget.Choose(seconds: 1, blocks: 30, pass: 0.1, most: 7));

        // A time that nothing fits into takes the fewest; the recipe in the report is the one that was run.
        var many = _text with { Samples = 40 };
        var report = CompressionRun.Execute(_model, _folder["short"], new Recipe(Method("lrq"), many), new() { TimeBudget = TimeSpan.FromMilliseconds(1) });
        Assert.Equal(16, report.Recipe.Calibration.Samples);
        Assert.All(report.Learned, l => Assert.Equal((1, 16), (l.Steps, l.Samples + l.HeldOut)));
        Assert.Equal(16 * 24, report.CalibrationTokens);
        Assert.False(File.Exists(_folder["short"] + ".run.samples"));
    }

    [Fact]
    public void Steps_are_what_a_block_s_share_of_the_time_has_room_for()
    {
        Assert.Equal(45, StepBudget.Steps(left: 200, blocks: 2, beside: 5, perStep: 2));
        Assert.Equal(1, StepBudget.Steps(left: 10, blocks: 2, beside: 30, perStep: 2));
        Assert.Equal(1, StepBudget.Steps(left: -10, blocks: 2, beside: 0, perStep: 2));
    }

    [Fact]
    public void Other_methods_may_have_some_of_the_layers()
    {
        var gptq = new Gptq(new(4, 16));
        var report = CompressionRun.Execute(_model, _folder["out"], new Recipe(Method("lrq"), _text)
        {
            Layers = new Dictionary<string, Method> { ["*.down_proj"] = gptq, ["model.layers.1.*"] = gptq },
        });
        Assert.Equal(TinyLlama.Blocks - 1, report.Learned.Count);
        Assert.All(report.Layers, l => Assert.Equal(
            l.Name.EndsWith("down_proj", StringComparison.Ordinal) || l.Name.Contains(".1.", StringComparison.Ordinal) ? gptq.Grid : new GridFormat(3), l.Form));
    }

    [Theory]
    [InlineData("flexround", false), InlineData("lrq", false), InlineData("lrq", true)]
    public void With_inputs_rounded_blocks_learn_what_their_integer_layers_will_give(string name, bool isStatic)
    {
        var method = new RoundedInputs(Method(name), new(8, 0, Symmetric: false, isStatic));
        var report = Run("out", method);
        Assert.All(report.Learned, l => Assert.InRange(l.After, 0, 0.95 * l.Before));
        var form = Assert.IsType<QuantizedInputFormat>(report.Layers[0].Form);
        Assert.Equal((method.Input, (LinearFormat)new GridFormat(3)), (form.Input, form.Inner));
        Assert.All(report.Layers, l => Assert.Equal(form, l.Form));
        // Rounded inputs are part of what is learned against, not put around it afterwards.
        var weights = Run("weights", Method(name));
        Assert.NotEqual(weights.Learned[0].After, report.Learned[0].After);
        Assert.Equal(weights.BitsPerWeight, report.BitsPerWeight, 0.5);
    }

    [Fact]
    public void Layers_that_round_inputs_beside_learned_ones_do_so_while_these_learn()
    {
        var report = CompressionRun.Execute(_model, _folder["out"], new Recipe(Method("lrq"), _text)
        {
            Layers = new Dictionary<string, Method> { ["*.down_proj"] = new RoundedInputs(new Gptq(new(4, 16)), new(4)) },
        });
        var plain = CompressionRun.Execute(_model, _folder["plain"], new Recipe(Method("lrq"), _text)
        {
            Layers = new Dictionary<string, Method> { ["*.down_proj"] = new Gptq(new(4, 16)) },
        });
        Assert.True(report.Learned[0].Before > plain.Learned[0].Before);
    }

    [Fact]
    public void Progress_shows_the_error_of_the_block_falling()
    {
        var steps = new List<(int Block, LearningProgress Learning)>();
        CompressionRun.Execute(_model, _folder["out"], new(Method("flexround"), _text), progress: new Immediate<RunProgress>(p =>
        {
            if (p.Learning is { } learning) steps.Add((p.Block, learning));
        }));
        Assert.Equal(TinyLlama.Blocks * Few.Steps, steps.Count);
        // Later blocks also carry the errors of those before them, which differ more from batch to batch.
        var last = steps.Single(s => s is { Block: 0, Learning.Step: 12 }).Learning;
        Assert.InRange(last.Error, 0, 0.95 * last.FirstError);
    }

    [Fact]
    public void A_block_that_gives_what_it_should_has_no_error_and_no_gradient()
    {
        var some = SomeFamily.Build("qwen3");
        var block = some.Load().Blocks[0];
        Matrix<float>[] inputs = [.. Enumerable.Range(0, 3).Select(i => Some.Matrix(20, some.Spec.HiddenSize, i))], targets = [.. inputs.Select(h => h.Clone())];
        LayerProblem[] layers = [.. block.Projections.Select(p => new LayerProblem(p.Name, p.Weight.ToDense(), new(1, new(0, 0))))];
        SequenceProblem problem = new(some.Spec, block, [.. Enumerable.Range(0, layers.Length)], layers, new(inputs), new(targets), new(HeldOut: 1));
        foreach (var h in targets) block.Forward(h);

        // Both forwards round: 1e-7 of a state each, 1e-14 squared.
        Assert.InRange(problem.Learn([0, 1]), 0, 1e-12);
        Assert.All(problem.Gradients, g => Assert.True(Largest(g) < 1e-4));
        Assert.InRange(problem.ErrorOf(heldOut: true), 0, 1e-12);

        problem.Weights[3].Data[5] += 0.1f;
        Assert.InRange(problem.Learn([0, 1]), 1e-8, 1);
        Assert.All(problem.Gradients, g => Assert.True(Largest(g) > 1e-3));
        Assert.InRange(problem.ErrorOf(heldOut: true), 1e-8, 1);
    }

    [Fact]
    public void A_rate_that_is_too_large_keeps_what_was_rounded()
    {
        var report = Run("out", new FlexRound(new(3)) { Learning = Few with { Rate = 1 } });
        var kept = report.Learned[0];
        Assert.False(kept.Kept);
        Assert.True(kept.HeldOutAfter > kept.HeldOutBefore);
        var rounded = Run("rounded", new RoundToNearest(new(3), GridRange.Clip));
        Assert.Equal(rounded.Layers.Take(7).Select(l => l.RelativeError), report.Layers.Take(7).Select(l => l.RelativeError));
    }

    [Fact]
    public void Recipes_that_learning_cannot_follow_are_refused()
    {
        string Refused(Recipe recipe) => Assert.Throws<InvalidDataException>(() => CompressionRun.Execute(_model, _folder["out"], recipe)).Message;
        var recipe = new Recipe(Method("lrq"), _text);
        Assert.Contains("\"compressed\"", Refused(recipe with { Propagate = Propagation.Original }), StringComparison.Ordinal);
        Assert.Contains("\"block\"", Refused(recipe with { Order = Order.Site }), StringComparison.Ordinal);
        Assert.Contains("block 0 take their steps of learning together", Refused(recipe with
        {
            Layers = new Dictionary<string, Method> { ["*.down_proj"] = Method("flexround") with { Learning = new(7) } },
        }), StringComparison.Ordinal);
    }

    private static float Largest(Matrix<float> m) => MathF.Abs(TensorPrimitives.MaxMagnitude<float>(m.Data));

    private static BlockMethod Method(string name) => name switch
    {
        "lrq" => new Lrq(new(3)) { Learning = Few },
        "omniquant" => new OmniQuant(new(3)) { Learning = Few with { Rate = 0.05 } },
        _ => new FlexRound(new(3)) { Learning = Few },
    };

    private CompressionReport Run(string name, Method method, RunOptions? options = null) =>
        CompressionRun.Execute(_model, _folder[name], new Recipe(method, _text), options);
}
