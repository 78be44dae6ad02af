using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// QuIP's rounding (Chee et al. 2023, arXiv:2307.13304): columns from the last to the first with feedback (LDLQ, which gives GPTQ's codes of the columns in
/// that order), then greedy passes, on even levels around zero, one scale a row. It belongs inside <see cref="Incoherent"/>.
/// </summary>
/// <param name="Bits">1 to 4.</param>
/// <param name="Passes">Greedy ones: each column again, given what all others have lost; never raising the loss.</param>
/// <param name="Sorted">Columns in order of rising diag H, so that the largest is rounded first.</param>
/// <param name="Range">The outer levels, in root mean squares of a row; 0 is what suits normal weights best, 2.4 what the paper's program takes.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
public sealed record Quip(int Bits = 2, int Passes = 10, bool Sorted = false, double Range = 0, double Damping = 0.01) : Method
{
    // The outer levels of the best even quantizer of a normal variable (Max 1960).
    private static readonly double[] NormalRanges = [0.7979, 1.4935, 2.0510, 2.5143];

    private CodebookFormat Format => new(Bits);

    public override void Validate()
    {
        Format.Validate();
        if (Passes < 0) throw new ArgumentException($"Greedy passes are 0 or more, not {Passes}.");
        if (!(Range >= 0 && double.IsFinite(Range))) throw new ArgumentException($"The range is a number from 0 on, not {Range}.");
        if (!(Damping >= 0 && double.IsFinite(Damping))) throw new ArgumentException($"Damping is a number from 0 on, not {Damping}.");
    }

    public override long PlannedBits(LayerShape layer) => Format.BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        double weights = layers.Sum(l => (double)l.Rows * l.Columns);
        return Enumerable.Range(1, 4).Reverse().Select(bits => this with { Bits = bits })
            .FirstOrDefault(m => layers.Sum(m.PlannedBits) / weights / bitsPerWeight is >= 0.9 and <= 1 + Excess);
    }

    // H sorted and its root in double, two matrices of feedback in float; rows as targets, values, errors and scaled copies.
    internal override long WorkBytes(int rows, int columns) => 32L * columns * columns + 32L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var (dead, h) = (DampedGram.DeadColumns(problem), problem.Inputs.Gram);
        int[] order = [.. Enumerable.Range(0, h.Rows)];
        if (Sorted) order = [.. order.OrderBy(j => h[j, j])];
        var feedback = DampedGram.Factor(problem, Damping, dead, d => BlockFeedback.Of(Sorted ? Ordered(d, order) : d, 1, Passes > 0));
        var weight = Rotation.LiveWeight(problem, dead);
        float[] steps = Steps(weight);
        var target = new Matrix<float>(weight.Rows, weight.Columns);
        for (int i = 0; i < weight.Rows; i++)
            for (int j = 0; j < order.Length; j++) target[i, j] = steps[i] == 0 ? 0 : weight[i, order[j]] / steps[i];
        var (_, values) = new BlockRounding(new EvenLevels(Bits), feedback, Passes).Round(target);
        var levels = new Matrix<float>(weight.Rows, weight.Columns);
        for (int i = 0; i < weight.Rows; i++)
            for (int j = 0; j < order.Length; j++) levels[i, order[j]] = values[i, j];
        Fit(weight, levels, h, steps);
        return ToLinear(levels, steps);
    }

    private static Damped Ordered(Damped h, int[] order)
    {
        var gram = new Matrix<double>(h.Order, h.Order);
        Threads.For(h.Order, i =>
        {
            for (int j = 0; j < order.Length; j++) gram[i, j] = h[order[i], order[j]];
        });
        return new(gram, [.. order.Select(j => h.Diagonal[j])]);
    }

    // The distance of two levels, a float16.
    private float[] Steps(Matrix<float> weight)
    {
        double range = Range > 0 ? Range : NormalRanges[Bits - 1];
        return [.. Enumerable.Range(0, weight.Rows).Select(i => Half(2 * range / ((1 << Bits) - 1) * Math.Sqrt(TensorPrimitives.SumOfSquares<float>(weight.Row(i)) / weight.Columns)))];
    }

    // The step of a row that suits its levels best in the norm of H: ⟨w, q⟩ / ⟨q, q⟩.
    private static void Fit(Matrix<float> weight, Matrix<float> levels, Matrix<double> h, float[] steps)
    {
        var single = new Matrix<float>(h.Rows, h.Columns);
        TensorPrimitives.ConvertTruncating<double, float>(h.Data, single.Data);
        var turned = LinearAlgebra.Multiply(levels, single);
        for (int i = 0; i < steps.Length; i++)
        {
            double qq = TensorPrimitives.Dot<float>(levels.Row(i), turned.Row(i)), step = TensorPrimitives.Dot<float>(weight.Row(i), turned.Row(i)) / qq;
            if (qq > 0 && step > 0 && double.IsFinite(step)) steps[i] = Half(step);
        }
    }

    private static float Half(double value) => (float)(Half)Math.Min(value, 65504);

    private CodebookLinear ToLinear(Matrix<float> levels, float[] steps)
    {
        int bytes = BitPacking.ByteCount(levels.Columns, Bits);
        var (packed, codes, half) = (new byte[levels.Rows * bytes], new byte[levels.Columns], ((1 << Bits) - 1) / 2f);
        for (int i = 0; i < levels.Rows; i++)
        {
            for (int j = 0; j < codes.Length; j++) codes[j] = (byte)(levels[i, j] + half);
            BitPacking.Pack(codes, Bits, packed.AsSpan(i * bytes, bytes));
        }
        return new(Format, levels.Rows, levels.Columns, packed, steps, [.. Enumerable.Range(0, 1 << Bits).Select(c => c - half)]);
    }
}
