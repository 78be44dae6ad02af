using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Models.Scaling;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>OmniQuant's factors of channels: what they leave alone, how they are moved, what is stored of them.</summary>
public sealed class ChannelLearningTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Families => [.. SomeFamily.Names];

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Families))]
    public void Without_rounding_factors_change_neither_the_block_nor_its_loss(string name)
    {
        var some = SomeFamily.Build(name);
        var (spec, block) = (some.Spec, some.Load().Blocks[0]);
        var equivalence = new BlockEquivalence(some.Tensors, spec, Assignment.Of(new(new OmniQuant(new(4)), new([])), Plan.Shapes(spec)));
        var folds = equivalence.FoldsOf(block);
        // Experts' inputs are read by the router too; behind a sum no norm stands before a layer.
        Assert.Equal(name switch { "mixtral" => 2, "opt-post-norm" => 1, _ => 3 }, folds.Count);

        Matrix<float>[] inputs = [.. Enumerable.Range(0, 2).Select(i => Some.Matrix(20, spec.HiddenSize, i))], targets = [.. inputs.Select(h => h.Clone())];
        foreach (var h in targets) block.Forward(h);
        var layers = block.Projections.Select(p => new LayerProblem(p.Name, p.Weight.ToDense(), new(1, new(p.Weight.Columns, p.Weight.Columns)))).ToArray();
        SequenceProblem problem = new(spec, block, [.. Enumerable.Range(0, layers.Length)], layers, new(inputs), new(targets), new(HeldOut: 1), equivalence.VectorsOf(block, folds));
        var (task, scales) = equivalence.Begin(block, block.Projections, layers, folds, [.. folds.Select(BlockEquivalence.Ones)], 1);
        Assert.Equal(problem.Weights.Count, task.Parts.Count);

        Matrix<float>[] originals = [.. problem.Weights.Select(w => w.Clone())];
        foreach (var logs in scales.Numbers) Some.Matrix(1, logs.Values.Length, 7).Data.CopyTo(logs.Values);
        for (int m = 0; m < originals.Length; m++) scales.Apply(m, originals[m], problem.Weights[m]);
        Assert.Contains(originals.Zip(problem.Weights), p => Distance(p.First, p.Second) > 0.1);
        // Some ten float roundings of products with factors of e^±1.
        Assert.InRange(problem.ErrorOf(heldOut: true), 0, 1e-10);

        // With a loss: the targets of another text.
        SequenceProblem other = new(spec, block, [.. Enumerable.Range(0, layers.Length)], layers, new(inputs), new([targets[1], targets[0]]), new(HeldOut: 1), equivalence.VectorsOf(block, folds));
        for (int m = 0; m < originals.Length; m++) scales.Apply(m, originals[m], other.Weights[m]);
        Assert.InRange(other.Learn([0]), 0.01, 100);
        double largest = 0;
        int taken = 0;
        for (int m = 0; m < originals.Length; m++)
        {
            if (Distance(originals[m], other.Weights[m]) == 0) continue;
            for (int i = 0; i < other.Weights[m].Data.Length; i++) largest += Math.Abs(other.Weights[m].Data[i] * other.Gradients[m].Data[i]);
            scales.Take(m, other.Weights[m].Clone(), other.Gradients[m], new(1, 0));
            taken++;
        }
        Assert.True(largest > 1e-3);
        Assert.All(scales.Numbers, logs => Assert.All(logs.Gradient, g => Assert.InRange(Math.Abs(g), 0, 2e-4 * largest)));
    }

    [Fact]
    public void The_gradient_of_factors_is_the_slope_of_the_loss()
    {
        // Two readers, a divided weight and two vectors, behind something smooth that is not linear: L = Σ G sin(2 v).
        Matrix<float>[] values = [Some.Matrix(5, 6, 1), Some.Matrix(4, 6, 2), Some.Matrix(7, 3, 3), Some.Matrix(1, 8, 4), Some.Matrix(1, 6, 5)], g = [.. values.Select((v, i) => Some.Matrix(v.Rows, v.Columns, 10 + i))];
        EquivalentFold[] folds =
        [
            new([0, 1, 2, 0, 1, 2], [0], [new(2, 2, false), new(3, 1, true)], f => f),
            new([0, 1, 2, 3, 4, 5], [1], [new(4, 0, true)], f => f),
        ];
        var scales = new EquivalentScales(folds, values.Length, 0.5);
        foreach (var logs in scales.Numbers) Some.Matrix(1, logs.Values.Length, 9).Data.CopyTo(logs.Values);
        var now = values.Select(v => v.Clone()).ToArray();
        double Loss()
        {
            double sum = 0;
            for (int m = 0; m < values.Length; m++)
            {
                scales.Apply(m, values[m], now[m]);
                for (int i = 0; i < now[m].Data.Length; i++) sum += g[m].Data[i] * Math.Sin(2.0 * now[m].Data[i]);
            }
            return sum;
        }
        Loss();
        for (int m = 0; m < values.Length; m++)
        {
            var slope = g[m].Clone();
            for (int i = 0; i < slope.Data.Length; i++) slope.Data[i] *= 2 * MathF.Cos(2 * now[m].Data[i]);
            scales.Take(m, now[m].Clone(), slope, new(1, 0));
        }
        foreach (var logs in scales.Numbers)
        {
            double[] gradient = [.. logs.Gradient.Select(v => (double)v)];
            for (int k = 0; k < gradient.Length; k++)
            {
                const float h = 1e-2f;
                float before = logs.Values[k];
                logs.Values[k] = before + h;
                double up = Loss();
                logs.Values[k] = before - h;
                double slope = (up - Loss()) / (2 * h);
                logs.Values[k] = before;
                Assert.Equal(slope, gradient[k], 2e-3 * (1 + Math.Abs(slope)));     // a third derivative of some tens, times h²
            }
        }
    }

    [Theory, InlineData(GridOffset.ZeroPoint), InlineData(GridOffset.None)]
    public void A_row_that_grows_carries_its_rounded_row_with_it(GridOffset offset)
    {
        // Rounding on ranges of the weights commutes with a factor of the row, so Σ ∂W W = Σ G Ŵ row by row, but for zero-points, which are whole.
        var (format, w, g) = (new GridFormat(4, 0, offset), Some.Matrix(20, 64), Some.Matrix(20, 64, 2));
        var layer = new ClippedGrid(StartingPoint.Of(new("w", w, new(1, new(64, 64))), format, GridRange.MinMax, LearningStart.Nearest), format);
        foreach (var ends in layer.Numbers) Array.Fill(ends.Values, 0.5f);     // many weights beyond the ends
        var decoded = new Matrix<float>(20, 64);
        layer.Follow(w);
        layer.Decode(decoded);
        var slopes = g.Clone();
        layer.Move(slopes, new(1, 0));
        for (int i = 0; i < 20; i++)
        {
            double expected = TensorPrimitives.Dot<float>(g.Row(i), decoded.Row(i)), found = TensorPrimitives.Dot<float>(slopes.Row(i), w.Row(i));
            // Scales are stored with 11 bits, zero-points are whole.
            double size = TensorPrimitives.Norm<float>(g.Row(i)) * TensorPrimitives.Norm<float>(decoded.Row(i));
            Assert.Equal(expected, found, (offset == GridOffset.None ? 1e-3 : 0.05) * size);
        }
    }

    [Fact]
    public void What_is_stored_gives_the_error_that_learning_came_to()
    {
        string model = TinyLlama.Write(_folder["model"]);
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        var text = new CalibrationSettings([_folder["text.txt"]]) { Samples = 16, Length = 24 };
        var method = new OmniQuant(new(3), GridRange.Clip) { Learning = new(Steps: 40, Rate: 0.02, HeldOut: 0) };
        var report = CompressionRun.Execute(model, _folder["out"], new(method, text));
        var first = report.Learned[0];
        Assert.True(first.Kept, first.ToString());
        Assert.InRange(first.After, 0, 0.99 * first.Before);
        Assert.Contains("OmniQuant: factors learned from", report.Layers[0].Scaling, StringComparison.Ordinal);

        var (was, now) = (Model.Load(Checkpoint.Open(model)), Model.Load(Checkpoint.Open(_folder["out"])));
        Assert.Contains(Gain(was).Zip(Gain(now)), p => p.First != p.Second);
        double error = 0, size = 0;
        foreach (int[] sequence in CalibrationSet.Read(text, Tokenizer.Load(model)).Sequences.Take(first.Samples))
        {
            Matrix<float> a = was.Embedding.Apply(sequence), b = a.Clone();
            was.Blocks[0].Forward(a);
            now.Blocks[0].Forward(b);
            error += Math.Pow(TensorPrimitives.Distance<float>(a.Data, b.Data), 2);
            size += TensorPrimitives.SumOfSquares<float>(a.Data);
        }
        Assert.Equal(first.After, error / size, 1e-3 * first.After);

        var ranges = CompressionRun.Execute(model, _folder["ranges"], new(method with { Learn = OmniQuantParts.Ranges }, text));
        Assert.Null(ranges.Layers[0].Scaling);
        Assert.Equal(ranges.BitsPerWeight, report.BitsPerWeight);
        Assert.True(first.Numbers > ranges.Learned[0].Numbers);
        var channels = CompressionRun.Execute(model, _folder["channels"], new(method with { Learn = OmniQuantParts.Channels }, text));
        Assert.Equal(first.Numbers - ranges.Learned[0].Numbers, channels.Learned[0].Numbers);

        static float[] Gain(Model m) => ((RmsNorm)m.Blocks[0].AroundAttention.Input!).Gain;
    }

    [Fact]
    public void Two_methods_that_fold_factors_are_refused_together()
    {
        string model = TinyLlama.Write(_folder["model"]);
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        var recipe = new Recipe(new OmniQuant(new(3)), new([_folder["text.txt"]]) { Samples = 4, Length = 24 })
        {
            Layers = new Dictionary<string, Method> { ["*.down_proj"] = new Awq(new RoundToNearest(new(3))) },
        };
        Assert.Contains("ranges alone", Assert.Throws<InvalidDataException>(() => CompressionRun.Execute(model, _folder["out"], recipe)).Message, StringComparison.Ordinal);
    }

    private static double Distance(Matrix<float> a, Matrix<float> b) => TensorPrimitives.Distance<float>(a.Data, b.Data);
}
