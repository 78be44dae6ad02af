using System.Security.Cryptography;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

public sealed class CompressionRunTests : IDisposable
{
    private static readonly string[] Beside = [".run", ".partial"];
    private static readonly Method Gptq3 = new Gptq(new GridFormat(3, 16));

    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly Recipe _recipe;

    public CompressionRunTests()
    {
        _model = TinyLlama.Write(_folder["model"]);
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        _recipe = new(Gptq3, new([_folder["text.txt"]]) { Samples = 6, Length = 40 });
    }

    public void Dispose() => _folder.Dispose();

    public static TheoryData<Propagation, Order> Ways => new()
    {
        { Propagation.Compressed, Order.Block },
        { Propagation.Compressed, Order.Site },
        { Propagation.Original, Order.Block },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void Killed_at_any_moment_it_goes_on_to_the_same_bytes(Propagation propagate, Order order)
    {
        var recipe = _recipe with { Propagate = propagate, Order = order };
        var options = new RunOptions { HiddenStatesEvery = TimeSpan.Zero };
        int moments = 0;
        var whole = Run("whole", recipe, options, new Listener(_ => Copy("whole", $"killed-{moments++}")));
        Assert.True(moments > 24);
        for (int i = 0; i < moments; i += 2)
        {
            var resumed = Run($"killed-{i}", recipe, options);
            Assert.Equal(whole.Files, resumed.Files);
            Assert.Equal(whole.Files, Hashes($"killed-{i}"));
            Assert.Equal(whole.Layers.Select(l => (l.Name, l.Bits, l.RelativeError, l.Sink)),
                resumed.Layers.Select(l => (l.Name, l.Bits, l.RelativeError, l.Sink)));
            Assert.False(Directory.Exists(_folder[$"killed-{i}.run"]));
        }
    }

    [Theory]
    [InlineData("block-001.safetensors", "cut")]
    [InlineData("block-000.safetensors", "flip")]
    [InlineData("block-001.json", "cut")]
    [InlineData("block-000.json", "empty")]
    [InlineData("hidden-states.bin", "cut")]
    [InlineData("hidden-states.bin", "remove")]
    public void A_damaged_run_folder_costs_time_and_nothing_else(string file, string damage)
    {
        var options = new RunOptions { HiddenStatesEvery = TimeSpan.Zero };
        var whole = Run("whole", _recipe, options, new Listener(p =>
        {
            if (p is { Block: 2, Phase: RunPhase.Observe } && !Directory.Exists(_folder["out.run"])) Copy("whole", "out");
        }));
        string path = Path.Combine(_folder["out.run"], file);
        var bytes = File.ReadAllBytes(path);
        if (damage == "cut") File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]);
        if (damage == "flip") bytes[^1] ^= 1;
        if (damage == "flip") File.WriteAllBytes(path, bytes);
        if (damage == "empty") File.WriteAllText(path, "");
        if (damage == "remove") File.Delete(path);
        File.WriteAllText(Path.Combine(_folder["out.run"], "block-002.safetensors.partial"), "half");
        File.WriteAllText(Path.Combine(_folder["out.run"], "manifest.json.partial"), "{");
        Assert.Equal(whole.Files, Run("out", _recipe, options).Files);
    }

    [Fact]
    public void Cancelled_it_leaves_a_run_folder_and_no_model()
    {
        using var stop = new CancellationTokenSource();
        var listener = new Listener(p =>
        {
            if (p is { Block: 1, Phase: RunPhase.Compress }) stop.Cancel();
        });
        Assert.ThrowsAny<OperationCanceledException>(
            () => CompressionRun.Execute(_model, _folder["out"], _recipe, null, listener, stop.Token));
        Assert.False(Directory.Exists(_folder["out"]));
        Assert.True(File.Exists(_folder["out.run/block-000.safetensors"]));
        Assert.Equal(Run("whole", _recipe).Files, Run("out", _recipe).Files);
    }

    [Fact]
    public void Thread_counts_give_the_same_bytes()
    {
        int before = Threads.Count;
        try
        {
            var files = Enumerable.Range(1, 3).Select(count =>
            {
                Threads.Count = count;
                return Run($"threads-{count}", _recipe with { Method = new Lordq(3) }).Files;
            }).ToList();
            Assert.Equal(files[0], files[1]);
            Assert.Equal(files[0], files[2]);
        }
        finally
        {
            Threads.Count = before;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Reported_errors_are_those_of_the_model_that_was_written(Propagation propagate, Order order)
    {
        // Three statements in one: what flows into a block is what the recipe says, the written layers are those that were
        // measured,
        // and the error is the proxy loss on those inputs.
        var report = Run("out", _recipe with { Propagate = propagate, Order = order });
        using var original = Checkpoint.Open(_model);
        using var written = Checkpoint.Open(_folder["out"]);
        var spec = ModelSpec.Of(original);
        var tokens = CalibrationSet.Read(_recipe.Calibration, Quarank.Tokenizers.Tokenizer.Load(_model));
        var embedding = Model.LoadEmbedding(original, spec);
        var hidden = tokens.Sequences.Select(s => embedding.Apply(s)).ToList();
        for (int i = 0; i < spec.BlockCount; i++)
        {
            var (before, after) = (Model.LoadBlock(original, spec, i), Model.LoadBlock(written, spec, i));
            var grams = Grams(order == Order.Site ? after : before, hidden);
            foreach (var (was, now) in before.Projections.Zip(after.Projections))
            {
                var problem = new LayerProblem(was.Name, was.Weight.ToDense(), new(tokens.Tokens, grams[was.Site]));
                double expected = ProxyLoss.Relative(problem, now.Weight),
                    reported = report.Layers.Single(l => l.Name == was.Name).RelativeError;
                // The sums here run over floats in another order than the run's: 1e-4 is a thousand roundings.
                Assert.Equal(1, reported / expected, 1e-4);
            }
            foreach (var h in hidden) (propagate == Propagation.Original ? before : after).Forward(h);
        }
    }

    [Fact]
    public void Statistics_kept_in_a_folder_give_the_same_model_without_a_forward_pass()
    {
        var recipe = _recipe with { Propagate = Propagation.Original };
        var options = new RunOptions { Statistics = _folder["statistics"] };
        var plain = Run("plain", recipe);
        var first = Run("first", recipe, options);
        int forward = 0;
        var second = Run("second", recipe, options,
            new Listener(p => forward += p.Phase == RunPhase.Observe && p.Fraction > 0 ? 1 : 0));
        Assert.Equal(plain.Files, first.Files);
        Assert.Equal(plain.Files, second.Files);
        Assert.Equal(plain.Layers.Select(l => (l.RelativeError, l.Sink)), second.Layers.Select(l => (l.RelativeError, l.Sink)));
        Assert.Equal(0, forward);

        File.Delete(_folder["statistics/block-001.safetensors"]);
        Assert.Equal(plain.Files, Run("third", recipe, options).Files);
        Assert.True(File.Exists(_folder["statistics/block-001.safetensors"]));
    }

    [Fact]
    public void Statistics_of_another_model_or_text_are_refused()
    {
        var recipe = _recipe with { Propagate = Propagation.Original };
        var options = new RunOptions { Statistics = _folder["statistics"] };
        Run("first", recipe, options);
        var other = recipe with { Calibration = recipe.Calibration with { Samples = 5 } };
        Assert.Contains("belong to other calibration tokens", Refused("out", other, options));
        TinyLlama.Write(_folder["model2"], seed: 2);
        Assert.Contains("belong to another model", Assert.Throws<InvalidDataException>(
            () => CompressionRun.Execute(_folder["model2"], _folder["out"], recipe, options)).Message);
        Assert.Contains("only with propagate \"original\"", Refused("out", _recipe, options));
        Assert.False(Directory.Exists(_folder["out.run"]));
    }

    [Fact]
    public void A_run_folder_of_another_recipe_is_refused_until_it_is_thrown_away()
    {
        Leave("out");
        var fewer = _recipe.Calibration with { Samples = 5 };
        var other = _recipe with { Method = new Gptq(new GridFormat(4, 16)), Calibration = fewer };
        string message = Refused("out", other);
        Assert.Contains("differs in the calibration tokens; the recipe (there {", message);
        Assert.Contains("--restart", message);
        Assert.Equal(Run("fresh", other).Files, Run("out", other, new RunOptions { Restart = true }).Files);
    }

    [Fact]
    public void A_run_folder_is_anothers_while_it_works()
    {
        string? message = null;
        Run("out", _recipe, null, new Listener(p =>
        {
            if (p is { Block: 1, Phase: RunPhase.Observe, Fraction: 0 })
                message = Assert.Throws<IOException>(() => CompressionRun.Execute(_model, _folder["out"], _recipe)).Message;
        }));
        Assert.Contains("another process works in this run folder", message);
    }

    [Fact]
    public void An_output_that_exists_stays_as_it_is()
    {
        Directory.CreateDirectory(_folder["out"]);
        File.WriteAllText(_folder["out/mine.txt"], "mine");
        Assert.Contains("exists already",
            Assert.Throws<IOException>(() => CompressionRun.Execute(_model, _folder["out"], _recipe)).Message);
        Assert.Equal("mine", File.ReadAllText(_folder["out/mine.txt"]));
        Directory.CreateDirectory(_folder["work"]);
        File.WriteAllText(_folder["work/block-000.txt"], "mine");
        Assert.Contains("holds no run", Refused("new", _recipe, new RunOptions { WorkFolder = _folder["work"] }));
        Assert.Equal("mine", File.ReadAllText(_folder["work/block-000.txt"]));
    }

    [Fact]
    public void A_run_killed_after_the_rename_only_clears_up()
    {
        Leave("out");
        Run("whole", _recipe);
        Directory.Move(_folder["whole"], _folder["out"]);
        var hashes = Hashes("out");
        Run("out", _recipe);
        Assert.Equal(hashes, Hashes("out"));
        Assert.False(Directory.Exists(_folder["out.run"]));

        Leave("other");
        Directory.Move(_folder["out"], _folder["other"]);
        Assert.Contains("exists already", Assert.Throws<IOException>(
            () => CompressionRun.Execute(_model, _folder["other"], _recipe with { Seed = 1 }, new() { Restart = true })).Message);
    }

    [Fact]
    public void What_is_not_compressed_is_copied_as_it_was_stored()
    {
        var report = Run("out", _recipe);
        using var original = Checkpoint.Open(_model);
        using var written = Checkpoint.Open(_folder["out"]);
        foreach (var tensor in original.Tensors.All.Where(t => !t.Name.Contains("_proj")))
        {
            Assert.Equal(tensor.Type, written.Tensors[tensor.Name].Type);
            Assert.Equal(tensor.ReadBytes(), written.Tensors[tensor.Name].ReadBytes());
        }
        Assert.DoesNotContain(written.Tensors.Names, n => n.EndsWith("_proj.weight", StringComparison.Ordinal));
        Assert.Equal(File.ReadAllBytes(Path.Combine(_model, "tokenizer.json")), File.ReadAllBytes(_folder["out/tokenizer.json"]));
        Assert.Equal(new FileInfo(_folder["out/model.safetensors"]).Length, report.FileBytes);
        Assert.Equal(report.Layers.Sum(l => l.Bits),
            8 * written.Tensors.All.Where(t => t.Name.Contains("_proj.")).Sum(t => t.ByteLength));
        Assert.Equal(report.ToJson(), CompressionReport.TryLoad(_folder["out"])!.ToJson());
        Assert.Contains("compressed already",
            Assert.Throws<InvalidDataException>(() => CompressionRun.Execute(_folder["out"], _folder["twice"], _recipe)).Message);
    }

    [Fact]
    public void A_token_that_dwarfs_the_others_shows_as_a_sink()
    {
        var collector = new StatisticsCollector(0, [InputSite.Mlp]);
        var inputs = Some.Matrix(31, 8);
        inputs.Row(4).Fill(100);
        collector.Add(0, InputSite.Mlp, inputs);
        double Norm(int i) => Math.Sqrt(inputs.Row(i).ToArray().Sum(x => (double)x * x));
        double[] norms = [.. Enumerable.Range(0, 31).Select(Norm).Order()];
        var seen = collector.Finish()[InputSite.Mlp];
        Assert.Equal(norms[30] / norms[15], seen.Sinks.Ratio, 1e-4);
        Assert.Equal(31, seen.Inputs.Tokens);
    }

    [Fact]
    public void Activations_that_overflow_stop_the_run_by_name()
    {
        TinyLlama.Write(_folder["wild"], scale: 1e20f, type: ElementType.F32);
        string message = Assert.Throws<InvalidDataException>(
            () => CompressionRun.Execute(_folder["wild"], _folder["out"], _recipe)).Message;
        Assert.StartsWith("Block 0: an input of ", message);
        Assert.Contains("is not finite (sequence 0, token ", message);
    }

    [Fact]
    public void The_plan_says_beforehand_what_the_run_will_store()
    {
        using var checkpoint = Checkpoint.Open(_model);
        var spec = ModelSpec.Of(checkpoint);
        var plan = Plan.Of(checkpoint, spec, _recipe);
        var report = Run("out", _recipe);
        Assert.Equal(report.Layers.Select(l => (l.Name, l.Rows, l.Columns, l.Bits)),
            plan.Layers.Select(l => (l.Name, l.Rows, l.Columns, l.Bits)));
        Assert.Equal(report.BitsPerWeight, plan.BitsPerWeight);
        using var written = Checkpoint.Open(_folder["out"]);
        Assert.Equal(written.Tensors.All.Sum(t => t.ByteLength), plan.FileBytes);
        Assert.Empty(plan.Warnings);

        var few = _recipe with { Calibration = _recipe.Calibration with { Samples = 1, Length = 40 } };
        Assert.StartsWith("40 calibration tokens cannot fill the 48 inputs of the feed-forward part's last layer",
            Assert.Single(Plan.Of(checkpoint, spec, few).Warnings));
        var tooLong = _recipe with { Calibration = _recipe.Calibration with { Samples = 1, Length = 129 } };
        Assert.Contains("longer than the 128 positions",
            Assert.Throws<InvalidDataException>(() => Plan.Of(checkpoint, spec, tooLong)).Message);
    }

    [Fact]
    public void Settings_that_exclude_each_other_are_refused() =>
        Assert.Contains("order \"site\"", Refused("out", _recipe with { Propagate = Propagation.Original, Order = Order.Site }));

    private sealed class Listener(Action<RunProgress> hear) : IProgress<RunProgress>
    {
        public void Report(RunProgress value)
        {
            lock (this) hear(value);
        }
    }

    private CompressionReport Run(
        string name, Recipe recipe, RunOptions? options = null, IProgress<RunProgress>? progress = null) =>
        CompressionRun.Execute(_model, _folder[name], recipe, options, progress);

    private string Refused(string name, Recipe recipe, RunOptions? options = null) =>
        Assert.Throws<InvalidDataException>(() => Run(name, recipe, options)).Message;

    /// <summary>Leaves a run folder with one finished block behind.</summary>
    private void Leave(string name)
    {
        Run("left", _recipe, null, new Listener(p =>
        {
            if (p is { Block: 1, Phase: RunPhase.Observe } && !Directory.Exists(_folder[$"{name}.run"])) Copy("left", name);
        }));
        Directory.Delete(_folder["left"], recursive: true);
    }

    /// <summary>What a killed process would leave: everything beside the output folder of this name, as it is now.</summary>
    private void Copy(string name, string to)
    {
        foreach (string ending in Beside)
        {
            if (!Directory.Exists(_folder[name + ending])) continue;
            Directory.CreateDirectory(_folder[to + ending]);
            foreach (string file in Directory.EnumerateFiles(_folder[name + ending]).Where(f => Path.GetFileName(f) != "lock"))
                File.Copy(file, Path.Combine(_folder[to + ending], Path.GetFileName(file)));
        }
    }

    private SortedDictionary<string, string> Hashes(string name) => new(
        Directory.EnumerateFiles(_folder[name]).Where(f => Path.GetFileName(f) != CompressionReport.FileName)
            .ToDictionary(f => Path.GetFileName(f), f => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f)))),
        StringComparer.Ordinal);

    private static Dictionary<InputSite, Matrix<double>> Grams(Block block, IEnumerable<Matrix<float>> hidden)
    {
        var grams = new Dictionary<InputSite, Matrix<double>>();
        long tokens = 0;
        foreach (var h in hidden)
        {
            tokens += h.Rows;
            block.Observe(h, (site, x) =>
            {
                if (!grams.TryGetValue(site, out var gram)) grams[site] = gram = new(x.Columns, x.Columns);
                for (int t = 0; t < x.Rows; t++)
                    for (int i = 0; i < x.Columns; i++)
                        for (int j = 0; j < x.Columns; j++) gram[i, j] += (double)x[t, i] * x[t, j];
            });
        }
        foreach (var gram in grams.Values)
            foreach (ref double v in gram.Data) v /= tokens;
        return grams;
    }
}
