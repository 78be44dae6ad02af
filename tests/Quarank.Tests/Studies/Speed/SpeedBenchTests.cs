using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Studies.Speed;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Studies.Speed;

/// <summary>The arithmetic of the table, and that every test of every model is measured. No time is expected to be anything.</summary>
public sealed class SpeedBenchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rates_deviations_and_shares_follow_from_the_seconds()
    {
        var test = new SpeedTest(true, 30);
        var figure = new SpeedFigure(test, [new(3, 200), new(2, 250), new(1.5, 400)], Work: 10);   // 10, 15, 20 tokens/s
        Assert.Equal("tg30", test.Name);
        Assert.Equal(15, figure.TokensPerSecond, 1e-12);
        Assert.Equal(5, figure.Deviation, 1e-12);
        Assert.Equal(150, figure.WorkPerSecond, 1e-9);
        Assert.Equal((0.5 + 0.6 + 0.5) / 3, figure.ShareOfLimit, 1e-12);

        var half = new SpeedFigure(test, [new(6, 1), new(4, 1), new(3, 1)], 10);
        Assert.Equal(2, figure.Against(half), 1e-12);
        Assert.Equal(1, figure.Against(figure), 1e-12);
        Assert.Equal(0, new SpeedFigure(test, [new(3, 200)], 10).Deviation);
    }

    [Fact]
    public void A_token_takes_the_stored_bytes_of_all_layers_and_the_head_but_not_the_embedding()
    {
        var shape = new SyntheticShape(2, 64, 96, 4, 2, 50, 64);
        string folder = Write("grid:4:32:symmetric", shape);
        using var checkpoint = Checkpoint.Open(folder);
        var counted = SpeedModel.Of("x", checkpoint, Model.Load(checkpoint));

        // q, o: 64 x 64; k, v: 32 x 64; gate, up: 96 x 64; down: 64 x 96; half a byte each and 2 bytes for 32 of them.
        long weights = 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 96), head = 50 * 64;
        Assert.Equal(weights / 2 + weights / 32 * 2 + 2 * head, counted.BytesPerToken);
        Assert.Equal(2.0 * weights, counted.OperationsPerToken);
        Assert.Equal(weights + 2 * head + 5 * 64, counted.Parameters);
        Assert.Equal(4.5, counted.BitsPerWeight);
        Assert.Equal(16, counted.HeadBits);
        Assert.Equal(new FileInfo(Path.Combine(folder, "model.safetensors")).Length, counted.FileBytes);
    }

    [Fact]
    public void Every_test_of_every_model_is_measured_in_every_round_and_progress_rises_to_the_end()
    {
        var shape = new SyntheticShape(2, 64, 96, 4, 2, 50, 64);
        var request = new SpeedRequest([8], [4, 6], Repetitions: 2);
        var told = new List<SpeedProgress>();
        var report = SpeedBench.Run([("a", Write("grid:4:32", shape)), ("b", Write("f16", shape))], request, tokenTimes: true, new Told(told));

        Assert.Equal(["a", "b"], report.Models.Select(m => m.Model.Name));
        foreach (var model in report.Models)
        {
            Assert.Equal(["pp8", "tg4", "tg6"], model.Figures.Select(f => f.Test.Name));
            Assert.All(model.Figures, f => Assert.Equal(2, f.Samples.Count));
            Assert.All(model.Figures, f => Assert.True(f.TokensPerSecond > 0 && f.ShareOfLimit > 0));
            Assert.True(model.PeakBytes > 0);
            Assert.NotNull(model.Token);
            Assert.Equal(model.Token.Token, model.Token.Products + model.Token.Attention + model.Token.Head + model.Token.Sampling + model.Token.Rest, 1e-12);
        }
        Assert.True(report.Machine is { Read: > 0, ReadOnOneThread: > 0, Sgemm: > 0 });
        Assert.Equal(told.Select(p => p.Fraction).Order(), told.Select(p => p.Fraction));
        Assert.InRange(told[^1].Fraction, 0.5, 1);
    }

    [Fact]
    public void Models_of_all_families_are_measured_and_their_parameters_are_the_numbers_in_their_files()
    {
        foreach (string name in SomeFamily.Names)
        {
            var family = SomeFamily.Build(name);
            string folder = _folder[name];
            new CheckpointWriter(family.Config, family.Tensors.All).Write(folder);
            using var checkpoint = Checkpoint.Open(folder);
            var model = Model.Load(checkpoint);
            Assert.Equal(checkpoint.Tensors.All.Sum(t => t.Count), SpeedModel.Of(name, checkpoint, model).Parameters);
            SpeedRounds.Read(model, 5);
            Assert.True(TokenTimes.Measure(model, 1, 3).Products > 0);
        }
    }

    [Fact]
    public void Of_a_choice_of_experts_a_token_takes_as_many_as_it_passes_through()
    {
        var family = SomeFamily.Build("mixtral");
        string folder = _folder["mixtral"];
        new CheckpointWriter(family.Config, family.Tensors.All).Write(folder);
        using var checkpoint = Checkpoint.Open(folder);
        var counted = SpeedModel.Of("x", checkpoint, Model.Load(checkpoint));

        var spec = family.Spec;
        Assert.Equal((4, 2), (spec.ExpertCount, spec.ExpertsPerToken));
        long attention = 2L * spec.HiddenSize * (spec.QuerySize + spec.KeyValueSize), expert = 3L * spec.HiddenSize * spec.IntermediateSize;
        long passed = spec.BlockCount * (attention + 2 * expert), head = (long)spec.VocabularySize * spec.HiddenSize;
        Assert.Equal(2.0 * passed, counted.OperationsPerToken);
        Assert.Equal(sizeof(float) * (passed + head), counted.BytesPerToken);
    }

    [Fact]
    public void A_test_longer_than_the_context_is_refused_before_anything_is_loaded()
    {
        string folder = Write("f16", new SyntheticShape(1, 64, 96, 4, 2, 50, Context: 32));
        var e = Assert.Throws<InvalidDataException>(() => SpeedBench.Run([("a", folder)], new SpeedRequest([33], [], 1), false));
        Assert.Contains("context of 32 tokens", e.Message);
    }

    private string Write(string form, SyntheticShape shape)
    {
        string folder = _folder[Guid.NewGuid().ToString("N")];
        new SyntheticModel(shape, SyntheticForm.Parse(form), SyntheticForm.Parse("f16")).Write(folder);
        return folder;
    }

    private sealed class Told(List<SpeedProgress> to) : IProgress<SpeedProgress>
    {
        public void Report(SpeedProgress value) => to.Add(value);
    }
}
