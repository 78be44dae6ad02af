using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Compression.Learning.Tuning;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>Compressed layers tuned on what their block gives, through the run that does it.</summary>
public sealed class TuningTests : IDisposable
{
    private static readonly TuningSettings Few = new(new(Steps: 12, Rate: 0.005)) { Factors = ScaledSides.Both };

    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly CalibrationSettings _text;

    public TuningTests()
    {
        _model = TinyLlama.Write(_folder["model"]);
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        _text = new([_folder["text.txt"]]) { Samples = 16, Length = 24 };
    }

    public static TheoryData<string> Names => [.. Methods.Keys];

    private static Dictionary<string, Method> Methods => new()
    {
        ["rtn"] = new RoundToNearest(new(2), GridRange.MinMax),
        ["gptq"] = new Gptq(new(3, 16), GridRange.MinMax),
        ["lattice"] = new Lattice(),
        ["lordq"] = new Lordq { BitsPerWeight = 4 },
        ["caldera"] = new Caldera { Rank = 4 },
        ["eora"] = new Corrected(new RoundToNearest(new(3), GridRange.MinMax), InputWeighting.Gram, 4),
        ["rounded inputs"] = new RoundedInputs(new RoundToNearest(new(3), GridRange.MinMax), new(8)),
        ["trellis"] = new Trellis { StateBits = 8, Passes = 0 },
    };

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Names))]
    public void Tuned_blocks_err_less_or_stay_as_they_were_and_keep_codes_and_bytes(string name)
    {
        var plain = Run("plain", Methods[name], null);
        var tuned = Run("tuned", Methods[name], Few with { Factors = null });
        Assert.Equal(TinyLlama.Blocks, tuned.Learned.Count);
        Assert.All(tuned.Learned, l =>
        {
            Assert.Equal((14, 2, 12), (l.Samples, l.HeldOut, l.Steps));
            if (l.Kept) Assert.True(l.After <= l.Before && l.HeldOutAfter <= l.HeldOutBefore);
        });
        Assert.Contains(tuned.Learned, l => l.Kept);
        Assert.Equal(plain.BitsPerWeight, tuned.BitsPerWeight);
        Assert.Equal(plain.Layers.Select(l => l.Form), tuned.Layers.Select(l => l.Form));
    }

    [Fact]
    public void Steps_too_large_leave_the_block_as_it_was()
    {
        var plain = Run("plain", Methods["rtn"], null);
        var tuned = Run("tuned", Methods["rtn"], new(new(Steps: 6, Rate: 0.9)));
        Assert.All(tuned.Learned, l => Assert.False(l.Kept));
        Assert.Equal(plain.Files["model.safetensors"], tuned.Files["model.safetensors"]);
    }

    [Theory]
    [InlineData(ScaledSides.Inputs), InlineData(ScaledSides.Outputs), InlineData(ScaledSides.Both)]
    public void Factors_that_tuning_adds_are_counted_and_stored(ScaledSides sides)
    {
        var report = Run("out", Methods["lattice"], Few with { Factors = sides });
        var plan = Run("plain", Methods["lattice"], null);
        Assert.All(report.Layers.Zip(plan.Layers), pair =>
        {
            Assert.Equal(new ScaledFormat(pair.Second.Form, sides), pair.First.Form);
            Assert.Equal(pair.Second.Bits + ScaledFormat.FactorBits(sides, pair.First.Rows, pair.First.Columns), pair.First.Bits);
        });
        using var checkpoint = Quarank.Checkpoints.Checkpoint.Open(_folder["out"]);
        var model = Quarank.Models.Model.Load(checkpoint);
        Assert.All(model.Blocks.SelectMany(b => b.Projections), p => Assert.IsType<ScaledLinear>(p.Weight));
    }

    [Theory]
    [InlineData(LossWeights.None), InlineData(LossWeights.Unit)]
    public void The_rest_of_a_block_makes_up_for_what_is_rounded(LossWeights weights)
    {
        var settings = Few with { Learning = new(Steps: 20) { LossWeights = weights }, Factors = null };
        var tuned = Run("tuned", Methods["rtn"], settings, order: Order.Site);
        var rest = Run("rest", Methods["rtn"], settings with { Rest = true }, order: Order.Site);
        Assert.InRange(rest.Learned.Sum(l => l.HeldOutAfter!.Value), 0, 0.95 * tuned.Learned.Sum(l => l.HeldOutAfter!.Value));
        Assert.Equal(tuned.BitsPerWeight, rest.BitsPerWeight);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void Killed_inside_a_block_it_goes_on_to_the_same_bytes(bool rest)
    {
        var (settings, order) = (Few with { Rest = rest }, rest ? Order.Site : Order.Block);
        var whole = Run("whole", Methods["lattice"], settings, order: order);
        foreach (var (block, after) in ((int, int)[])[(0, 5), (1, 3), (1, rest ? 30 : 11)])
        {
            using var stop = new CancellationTokenSource();
            int steps = 0;
            Assert.Throws<OperationCanceledException>(() => Run("parts", Methods["lattice"], settings, order: order, token: stop.Token, each: p =>
            {
                if (p.Learning is not null && p.Block == block && ++steps == after) stop.Cancel();
            }));
            var left = new HashSet<(int Block, int Step)>();
            int first = int.MaxValue;
            var parts = Run("parts", Methods["lattice"], settings, order: order, each: p =>
            {
                if (p.Learning is { } l && p.Block == block && first == int.MaxValue) first = l.Step;
            });
            Assert.Equal(after % 12 + 1, first);     // the step behind the last one taken, not the first
            Assert.Equal(whole.Files, parts.Files);
            Assert.Equal(whole.Learned, parts.Learned);
            Directory.Delete(_folder["parts"], recursive: true);
        }
    }

    [Fact]
    public void Learned_methods_too_go_on_inside_a_block()
    {
        foreach (Method method in (Method[])[new FlexRound(new(3)) { Learning = new(12) }, new Lrq(new(3), 4) { Learning = new(12) }, new OmniQuant(new(3)) { Learning = new(12) }])
        {
            var whole = Run("whole", method, null);
            using var stop = new CancellationTokenSource();
            Assert.Throws<OperationCanceledException>(() => Run("parts", method, null, token: stop.Token, each: p =>
            {
                if (p.Learning is { Step: 7 }) stop.Cancel();
            }));
            Assert.Equal(whole.Files, Run("parts", method, null).Files);
            foreach (string name in (string[])["whole", "parts"]) Directory.Delete(_folder[name], recursive: true);
        }
    }

    [Fact]
    public void Thread_counts_give_the_same_bytes() => ThreadCounts.GiveTheSame(count => Run($"threads-{count}", Methods["lordq"], Few).Files);

    [Fact]
    public void A_time_budget_chooses_the_steps()
    {
        var report = CompressionRun.Execute(_model, _folder["out"], new Recipe(Methods["lattice"], _text) { Tune = Few }, new() { TimeBudget = TimeSpan.FromSeconds(1) });
        Assert.All(report.Learned, l => Assert.InRange(l.Steps, 1, 100_000));
    }

    [Fact]
    public void What_tuning_cannot_do_is_refused_before_the_run()
    {
        void Refused(Recipe recipe, string word) => Assert.Contains(word, Assert.Throws<InvalidDataException>(() => CompressionRun.Execute(_model, _folder["out"], recipe)).Message);
        Refused(new(Methods["rtn"], _text) { Tune = Few, Propagate = Propagation.Original }, "compressed");
        Refused(new(Methods["rtn"], _text) { Tune = Few with { Rest = true } }, "site");
        Refused(new(new FlexRound(new(3)), _text) { Tune = Few }, "flexround");
        Refused(new(new RoundedInputs(Methods["rtn"], new(8)), _text) { Tune = Few }, "rounded inputs");
        Refused(new(new Lrc(Methods["rtn"], new(8)), _text) { Tune = Few }, "LRC");
        Refused(new(Methods["rtn"], _text) { Tune = Few with { FactorRate = 0 } }, "rate");
    }

    private CompressionReport Run(
        string name, Method method, TuningSettings? tune, Order order = Order.Block, Action<RunProgress>? each = null, CancellationToken token = default) =>
        CompressionRun.Execute(_model, _folder[name], new Recipe(method, _text) { Tune = tune, Order = order, Fallback = false }, new() { LearningEvery = TimeSpan.Zero },
            each is null ? null : new Immediate<RunProgress>(each), token);
}
