using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Quarank.Training;
using Xunit;

namespace Quarank.Tests.Training;

/// <summary>A block backward: against differences of its own forward in double, and its forward against the model's, for every family.</summary>
public class BlockGradientTests
{
    private const int Sequences = 2, Length = 41;     // past every window, LongRoPE's switch and no multiple of a piece

    public static TheoryData<string, int> Blocks
    {
        get
        {
            var blocks = new TheoryData<string, int>();
            foreach (string name in SomeFamily.Names)
                for (int b = 0; b < SomeFamily.Build(name).Spec.BlockCount; b++) blocks.Add(name, b);
            return blocks;
        }
    }

    [Theory, MemberData(nameof(Blocks))]
    public void Forward_gives_what_the_model_gives(string name, int index)
    {
        var (spec, block) = Load(name, index);
        var hidden = Some.Matrix(Sequences * Length, spec.HiddenSize);
        var own = new BlockGradient<float>(spec, block).Forward(hidden.Clone(), Sequences);
        for (int s = 0; s < Sequences; s++)
        {
            var states = new Matrix<float>(Length, spec.HiddenSize, hidden.RowRange(s * Length, Length).ToArray());
            block.Forward(states);
            // States are of size 1 to 10, through some ten roundings each.
            for (int t = 0; t < Length; t++)
                for (int i = 0; i < spec.HiddenSize; i++) Assert.Equal(states[t, i], own[s * Length + t, i], 2e-5f * (1 + MathF.Abs(states[t, i])));
        }
    }

    [Theory, MemberData(nameof(Blocks))]
    public void Every_gradient_is_the_slope_of_the_loss(string name, int index)
    {
        var (spec, block) = Load(name, index);
        var gradient = new BlockGradient<double>(spec, block);
        var hidden = Doubles(Sequences * Length, spec.HiddenSize, 1);
        var weighting = Doubles(Sequences * Length, spec.HiddenSize, 2);     // the loss is a weighted sum of all that leaves the block
        double Loss() => TensorPrimitives.Dot<double>(gradient.Forward(hidden, Sequences).Data, weighting.Data);

        Parameter<double>[] parameters = [.. gradient.Weights, .. gradient.Biases.OfType<Parameter<double>>(), .. gradient.Others];
        foreach (var p in parameters) p.Gradient = Doubles(p.Value.Rows, p.Value.Columns, 3);     // what stood there before must not matter
        Loss();
        var dx = gradient.Backward(weighting).Clone();

        Check("hidden", hidden, dx, Loss);
        foreach (var p in parameters) Check(p.Name, p.Value, p.Gradient!, Loss);
    }

    [Fact]
    public void Gradients_are_the_same_at_any_thread_count_and_pass_after_pass()
    {
        int threads = Threads.Count;
        try
        {
            float[]? expected = null;
            foreach (int count in (int[])[1, 2, 3])
            {
                Threads.Count = count;
                var (spec, block) = Load("gemma2", 0);
                var gradient = new BlockGradient<float>(spec, block);
                foreach (var w in gradient.Weights) w.Gradient = new(w.Value.Rows, w.Value.Columns);
                for (int pass = 0; pass < 2; pass++)
                {
                    gradient.Forward(Some.Matrix(Sequences * Length, spec.HiddenSize), Sequences);
                    gradient.Backward(Some.Matrix(Sequences * Length, spec.HiddenSize, 2));
                    float[] now = [.. gradient.Weights.SelectMany(w => w.Gradient!.Data.ToArray())];
                    Assert.Equal(expected ??= now, now);
                }
            }
        }
        finally
        {
            Threads.Count = threads;
        }
    }

    [Theory, MemberData(nameof(Blocks))]
    public void With_inputs_rounded_it_gives_what_the_stored_layers_give(string name, int index)
    {
        var (spec, block) = Load(name, index);
        var gradient = new BlockGradient<double>(spec, block);
        for (int p = 0; p < block.Projections.Count; p++)
        {
            // Both kinds of grid.
            var rounder = InputRounder.Dynamic(new(8, 0, Symmetric: p % 2 == 0));
            gradient.RoundInput(p, rounder);
            block.Projections[p].Weight = new QuantizedInputLinear(rounder, block.Projections[p].Weight);
        }
        var hidden = Doubles(Sequences * Length, spec.HiddenSize, 1);
        var own = gradient.Forward(hidden, Sequences).Clone();
        double apart = 0, size = 0, plain = 0;
        var unrounded = new BlockGradient<double>(spec, Load(name, index).Block).Forward(hidden, Sequences);
        for (int s = 0; s < Sequences; s++)
        {
            var states = new Matrix<float>(Length, spec.HiddenSize, [.. hidden.RowRange(s * Length, Length).ToArray().Select(v => (float)v)]);
            block.Forward(states);
            for (int t = 0; t < Length; t++)
                for (int i = 0; i < spec.HiddenSize; i++)
                {
                    apart += Square(states[t, i] - own[s * Length + t, i]);
                    plain += Square(states[t, i] - unrounded[s * Length + t, i]);
                    size += Square(states[t, i]);
                }
        }
        // A few of the many ties fall apart between floats and doubles; rounding itself does far more.
        Assert.InRange(apart, 0, Math.Max(1e-9 * size, 0.05 * plain));
        Assert.True(plain > 1e-7 * size);

        static double Square(double x) => x * x;
    }

    [Fact]
    public void Behind_a_rounded_input_the_weight_s_gradient_is_exact_and_the_input_s_stops_beyond_the_range()
    {
        var weight = new Parameter<double>("w", Doubles(5, 7, 1)) { Gradient = new(5, 7) };
        var layer = new LinearPart<double>(weight, null, InputRounder.Static(new(4, Static: true), -0.5f, 0.5f));
        Matrix<double> x = Doubles(9, 7, 2), dy = Doubles(9, 5, 3), dx = Doubles(9, 7, 4), there = dx.Clone();
        double Loss() => TensorPrimitives.Dot<double>(layer.Forward(x).Data, dy.Data);
        Loss();
        layer.Backward(dy, dx, add: true);
        Check("w", weight.Value, weight.Gradient, Loss);

        // Codes -8 … 7 on steps of 0.5 / 7: beyond 7.5 and -8.5 of them nothing moves; within, as if nothing were rounded.
        int beyond = 0;
        for (int t = 0; t < 9; t++)
            for (int j = 0; j < 7; j++)
            {
                double plain = 0;
                for (int i = 0; i < 5; i++) plain += dy[t, i] * weight.Value[i, j];
                bool outside = x[t, j] > 7.5 * 0.5 / 7 || x[t, j] < -8.5 * 0.5 / 7;
                if (outside) beyond++;
                Assert.Equal(outside ? 0 : plain, dx[t, j] - there[t, j], 1e-9);
            }
        Assert.InRange(beyond, 5, 55);
    }

    [Fact]
    public void States_that_are_no_whole_sequences_are_refused()
    {
        var (spec, block) = Load("llama", 0);
        Assert.Throws<ArgumentException>(() => new BlockGradient<float>(spec, block).Forward(new(7, spec.HiddenSize), 2));
        Assert.Throws<ArgumentException>(() => new BlockGradient<float>(spec, block).Forward(new(8, 5), 2));
    }

    /// <summary>The derivative in a random direction against a central difference, whose own error is of the order of 1e-8.</summary>
    private static void Check(string what, Matrix<double> at, Matrix<double> gradient, Func<double> loss)
    {
        const double step = 1e-6;
        var direction = Doubles(at.Rows, at.Columns, 4);
        double[] before = at.Data.ToArray();
        double After(double factor)
        {
            before.CopyTo(at.Data);
            TensorPrimitives.MultiplyAdd(direction.Data, factor, at.Data, at.Data);
            return loss();
        }
        double slope = (After(step) - After(-step)) / (2 * step), expected = TensorPrimitives.Dot<double>(gradient.Data, direction.Data);
        before.CopyTo(at.Data);
        double size = TensorPrimitives.Norm<double>(gradient.Data) * TensorPrimitives.Norm<double>(direction.Data) / Math.Sqrt(at.Data.Length);
        // What all keys have in common moves no soft-max, where nothing turns it by its position.
        Assert.True(size > 1e-6 || what.EndsWith("k_proj.bias", StringComparison.Ordinal), $"{what} has no gradient");
        Assert.True(Math.Abs(slope - expected) <= 1e-4 * size + 1e-7, $"{what}: slope {slope}, gradient {expected}, size {size}");
    }

    private static (ModelSpec Spec, Block Block) Load(string name, int index)
    {
        var some = SomeFamily.Build(name);
        return (some.Spec, some.Load().Blocks[index]);
    }

    private static Matrix<double> Doubles(int rows, int columns, int seed)
    {
        var m = new Matrix<double>(rows, columns);
        TensorPrimitives.ConvertChecked<float, double>(Some.Matrix(rows, columns, seed).Data, m.Data);
        return m;
    }
}
