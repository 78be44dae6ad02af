using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Pipeline;
using Quarank.Studies;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>Hostile problems, given to every method.</summary>
public class LayerGuardTests
{
    private const int Rows = 32, Columns = 64;

    /// <summary>All but those that need sums of rounded inputs, which a problem made of a Gram matrix has not.</summary>
    public static TheoryData<string> Words => [.. ShorthandTable.Methods.Where(w => RecipeShorthand.One(w, null).Recipe.Method.Rounding is null)];

    private static Method MethodOf(string word)
    {
        LayerShape[] shape = [new("sample", Rows, Columns)];
        var method = RecipeShorthand.One(word, null).Recipe.Method;
        return (method.AtBitsPerWeight(5, shape) ?? method.AtBitsPerWeight(4, shape) ?? method).Fit(shape);
    }

    private static LayerProblem With(Matrix<double> gram, List<string>? notes = null) =>
        Some.Problem(Rows, Columns) with { Inputs = new(100, gram), Note = notes is null ? null : notes.Add };

    [Theory]
    [MemberData(nameof(Words))]
    public void A_layer_whose_input_was_always_zero_comes_out_near_its_weights(string word)
    {
        var problem = With(new(Columns, Columns));
        var made = new LayerGuard(fallback: true).Compress(MethodOf(word), problem);
        Assert.Equal(0, made.Error);
        var decoded = made.Layer.ToDense();
        double error = 0, all = 0;
        for (int i = 0; i < decoded.Data.Length; i++)
        {
            double w = problem.Weight.Data[i];
            error += (w - decoded.Data[i]) * (w - decoded.Data[i]);
            all += w * w;
        }
        Assert.True(made.Layer.BitsPerWeight < 2.9 || error < 0.3 * all, $"{error / all}");
    }

    [Theory]
    [MemberData(nameof(Words))]
    public void A_matrix_of_rank_one_gives_finite_weights(string word)
    {
        var gram = new Matrix<double>(Columns, Columns);
        for (int i = 0; i < Columns; i++)
            for (int j = 0; j < Columns; j++) gram[i, j] = (1 + i % 7) * (1 + j % 7);
        var made = new LayerGuard(fallback: true).Compress(MethodOf(word), With(gram));
        Assert.InRange(made.Error, 0, 0.5);
        Assert.All(made.Layer.ToDense().Data.ToArray(), v => Assert.True(float.IsFinite(v)));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Weights_that_are_no_numbers_are_refused_by_name_and_place(float bad)
    {
        var problem = Some.Problem(Rows, Columns);
        problem.Weight[3, 5] = bad;
        string message = Assert.Throws<InvalidDataException>(() => new LayerGuard(true).Compress(new Gptq(new(4)), problem)).Message;
        Assert.StartsWith($"sample.weight: the number at row 3, column 5 is {bad}", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Inputs_that_are_no_numbers_are_refused_by_name(double bad)
    {
        var gram = Some.Problem(Rows, Columns).Inputs.Gram.Clone();
        gram[7, 9] = bad;
        Assert.Contains("sample: what calibration saw of its input is not finite (channels 7 and 9)",
            Assert.Throws<InvalidDataException>(() => new LayerGuard(true).Compress(new Gptq(new(4)), With(gram))).Message, StringComparison.Ordinal);
        var plain = Some.Problem(Rows, Columns) with { Inputs = new(100, Some.Problem(Rows, Columns).Inputs.Gram, gram) };
        Assert.Throws<InvalidDataException>(() => new LayerGuard(true).Compress(new Gptq(new(4)), plain));
    }

    [Fact]
    public void A_method_that_fails_is_tried_with_ten_times_the_damping_each_time_and_that_is_told()
    {
        var notes = new List<string>();
        var problem = Some.Problem(Rows, Columns) with { Note = notes.Add };
        // Fails until a whole mean of the diagonal has been added: the third attempt.
        var h = problem.Inputs.Gram;
        double mean = Enumerable.Range(0, Columns).Average(j => h[j, j]);
        var made = new LayerGuard(false).Compress(new Fragile(p => p.Inputs.Gram[0, 0] > h[0, 0] + 0.5 * mean), problem);
        Assert.Equal(["refused: too little; tried again with 0.1 of the mean diagonal added to the Gram matrix",
            "refused: too little; tried again with 1 of the mean diagonal added to the Gram matrix"], notes);
        // The loss is that of the matrix as it was.
        Assert.Equal(ProxyLoss.Relative(problem, made.Layer), made.Error);
    }

    [Fact]
    public void A_method_that_always_fails_is_replaced_by_plain_rounding_or_refused_as_asked()
    {
        var notes = new List<string>();
        var problem = Some.Problem(Rows, Columns) with { Note = notes.Add };
        var made = new LayerGuard(true).Compress(new Fragile(_ => false), problem);
        Assert.True(made.Replaced);
        Assert.IsType<GridLinear>(made.Layer);
        Assert.Equal("replaced by plain rounding, since the method failed", notes[^1]);
        Assert.Equal(5, notes.Count);
        string message = Assert.Throws<InvalidDataException>(() => new LayerGuard(false).Compress(new Fragile(_ => false), problem)).Message;
        Assert.StartsWith("sample: the method failed 4 times, at last with 10 of the mean diagonal added to the Gram matrix: too little", message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_finite_does_not_leave_a_method()
    {
        var notes = new List<string>();
        var made = new LayerGuard(true).Compress(new Fragile(_ => true, float.NaN), Some.Problem(Rows, Columns) with { Note = notes.Add });
        Assert.True(made.Replaced);
        Assert.Contains("row 2 of what came out is not finite", notes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_worse_than_plain_rounding_of_no_more_bytes_is_replaced_unless_that_is_switched_off()
    {
        var problem = Some.Problem(Rows, Columns);
        var worse = new Fragile(_ => true, 2);
        var kept = new LayerGuard(false).Compress(worse, problem);
        var replaced = new LayerGuard(true).Compress(worse, problem);
        Assert.False(kept.Replaced);
        Assert.True(replaced.Replaced);
        Assert.Equal(kept.PlainRounding, replaced.Error);
        Assert.True(replaced.Error < kept.Error);
        Assert.True(replaced.Layer.Bits <= kept.Layer.Bits);
        var good = new LayerGuard(true).Compress(new Gptq(new(4)), problem);
        Assert.Equal((false, null), (good.Replaced, good.PlainRounding));
    }

    [Fact]
    public void A_method_that_spares_the_many_for_a_sink_is_not_replaced_for_the_sink()
    {
        var problem = Some.Problem(Rows, Columns);
        var sink = problem.Inputs.Gram.Clone();
        for (int i = 0; i < Columns; i++)
            for (int j = 0; j < Columns; j++) sink[i, j] += 1e5 * Math.Sin(i + 1) * Math.Sin(j + 1);
        var weighted = problem with { Inputs = new(100, problem.Inputs.Gram, sink) };
        var method = new Gptq(new(3, 16));
        var layer = method.Compress(weighted);
        double loss = ProxyLoss.Relative(weighted, layer);
        // By the sink's matrix alone a plain rounding that happens to be nearer would win; by the one that was fitted to it does not.
        Assert.Null(PlainRounding.Better(weighted, method, layer, 1e3 * loss));
        Assert.NotNull(PlainRounding.Better(problem, method, layer, 1e3 * loss));
    }

    [Fact]
    public void Plain_rounding_has_the_most_bits_that_fit_and_never_more_bytes()
    {
        Assert.Null(PlainRounding.Within(2 * 576 * 576, 576, 576));   // a lattice's bytes
        Assert.Equal(new GridFormat(2), PlainRounding.Within(new GridFormat(2).BitsOf(576, 576), 576, 576));
        Assert.Equal(new GridFormat(2, 64), PlainRounding.Within((long)(2.37 * 576 * 576), 576, 576));
        for (double bits = 2.04; bits < 9; bits += 0.1)
            Assert.InRange(PlainRounding.Within((long)(bits * 192 * 576), 192, 576)!.BitsOf(192, 576), 1, (long)(bits * 192 * 576));
    }

    /// <summary>Rounds to 6 bits what it likes, and spoils one number of row 2.</summary>
    private sealed record Fragile(Func<LayerProblem, bool> Likes, float? Spoils = null) : Method
    {
        public override void Validate() { }

        public override long PlannedBits(LayerShape layer) => 8L * layer.Rows * layer.Columns;

        public override Linear Compress(LayerProblem problem)
        {
            if (!Likes(problem)) throw new InvalidDataException($"{problem.Name}: too little");
            var weight = new RoundToNearest(new(6)).Compress(problem).ToDense();
            if (Spoils is { } value) weight[2, 1] = value * (1 + MathF.Abs(weight[2, 1]));
            return new DenseLinear(weight);
        }
    }
}
