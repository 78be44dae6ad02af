using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>A matrix that is divided by a fold's factors: rows of a weight from <paramref name="First"/> on, or entries of a vector (one row).</summary>
internal readonly record struct DividedPart(int Matrix, int First, bool IsVector);

/// <summary>Where the factors of some channels stand among a problem's matrices.</summary>
/// <param name="FactorOf">Which factor each input channel of the readers takes.</param>
/// <param name="Readers">Weights whose columns are multiplied.</param>
/// <param name="Divided">What is divided, so that the block's function stays.</param>
/// <param name="Settle">Factors near those given that can be stored without loss.</param>
internal sealed record EquivalentFold(IReadOnlyList<int> FactorOf, IReadOnlyList<int> Readers, IReadOnlyList<DividedPart> Divided, Func<float[], float[]> Settle)
{
    public int FactorCount { get; } = FactorOf.Max() + 1;
}

/// <summary>
/// OmniQuant's learned equivalent transformation (Shao et al. 2023, arXiv:2308.13137): factors s of channels between an operation and the layers behind it, which leave the
/// function alone and change what rounding does to it. log s is learned: ∂log s_k = Σ ∂W ⊙ W over the columns that take s_k − Σ ∂W ⊙ W over the rows (and ∂v ⊙ v over
/// the entries of norms and biases) that are divided by it. Without rounding that is 0.
/// </summary>
/// <param name="parts">How many matrices report a gradient (<see cref="Take"/>) before a step is taken.</param>
/// <param name="rate">The rate of log s, in parts of the step's.</param>
internal sealed class EquivalentScales(IReadOnlyList<EquivalentFold> folds, int parts, double rate)
{
    private const int Strip = 64;

    private readonly LearnedNumbers[] _logs = [.. folds.Select(f => new LearnedNumbers(f.FactorCount))];
    private readonly double[][] _sums = [.. folds.Select(f => new double[f.FactorCount])];
    private int _taken;

    public IReadOnlyList<LearnedNumbers> Numbers => _logs;

    /// <summary>s of a fold, as it can be stored.</summary>
    public float[] Factors(int fold) => folds[fold].Settle([.. _logs[fold].Values.Select(MathF.Exp)]);

    /// <summary>A matrix of the problem with the factors.</summary>
    /// <param name="from">As it is without them.</param>
    public void Apply(int matrix, Matrix<float> from, Matrix<float> to)
    {
        from.Data.CopyTo(to.Data);
        for (int f = 0; f < folds.Count; f++)
        {
            bool reads = folds[f].Readers.Contains(matrix);
            DividedPart[] divided = [.. folds[f].Divided.Where(d => d.Matrix == matrix)];
            if (!reads && divided.Length == 0) continue;
            float[] factors = Factors(f);
            if (reads)
            {
                float[] channels = [.. folds[f].FactorOf.Select(k => factors[k])];
                Threads.For(to.Rows, i => TensorPrimitives.Multiply(to.Row(i), channels, to.Row(i)));
            }
            foreach (var part in divided)
                if (part.IsVector) TensorPrimitives.Divide(to.Row(0).Slice(part.First, factors.Length), factors, to.Row(0).Slice(part.First, factors.Length));
                else Threads.For(factors.Length, k => TensorPrimitives.Divide(to.Row(part.First + k), factors[k], to.Row(part.First + k)));
        }
    }

    /// <summary>Takes what a matrix adds to ∂log s, and moves log s when it is the last to report.</summary>
    /// <param name="value">The matrix with its factors.</param>
    /// <param name="gradient">The loss by it; spent afterwards.</param>
    public void Take(int matrix, Matrix<float> value, Matrix<float> gradient, AdamStep step)
    {
        TensorPrimitives.Multiply(gradient.Data, value.Data, gradient.Data);
        for (int f = 0; f < folds.Count; f++)
        {
            double[] sums = _sums[f];
            if (folds[f].Readers.Contains(matrix))
            {
                double[] columns = ColumnSums(gradient);
                for (int j = 0; j < columns.Length; j++) sums[folds[f].FactorOf[j]] += columns[j];
            }
            foreach (var part in folds[f].Divided.Where(d => d.Matrix == matrix))
                for (int k = 0; k < sums.Length; k++)
                    sums[k] -= part.IsVector ? gradient[0, part.First + k] : TensorPrimitives.Sum<float>(gradient.Row(part.First + k));
        }
        if (++_taken == parts) Move(step);
    }

    private void Move(AdamStep step)
    {
        _taken = 0;
        for (int f = 0; f < folds.Count; f++)
        {
            TensorPrimitives.ConvertTruncating<double, float>(_sums[f], _logs[f].Gradient);
            Array.Clear(_sums[f]);
            _logs[f].Move(step with { Rate = rate * step.Rate });
        }
    }

    // A strip of columns at a time, so that sums run in the order of the rows at any thread count.
    private static double[] ColumnSums(Matrix<float> m)
    {
        var sums = new double[m.Columns];
        Threads.For((m.Columns + Strip - 1) / Strip, s =>
        {
            int end = Math.Min(m.Columns, (s + 1) * Strip);
            for (int i = 0; i < m.Rows; i++)
            {
                var row = m.Row(i);
                for (int j = s * Strip; j < end; j++) sums[j] += row[j];
            }
        });
        return sums;
    }
}

/// <summary>A layer that is learned and whose weight moves under it.</summary>
internal abstract class FollowingLayer : LearnedLayer
{
    /// <summary>W, at first that of the beginning.</summary>
    public abstract Matrix<float> Weight { get; }

    /// <summary>From now on W is this; it stays as it is until the next <see cref="LearnedPart.Move"/>, which leaves ∂W in the place of the gradient it was given.</summary>
    public abstract void Follow(Matrix<float> weight);
}

/// <summary>A layer whose columns or rows are scaled with others'.</summary>
/// <param name="matrix">Which of the problem's it is.</param>
/// <param name="first">Whether it is the first of those with these factors, which speaks for their numbers.</param>
/// <param name="inner">Begun with the weight that has no factors.</param>
internal sealed class EquivalentLayer(EquivalentScales scales, int matrix, bool first, FollowingLayer inner) : LearnedLayer
{
    private readonly Matrix<float> _weight = inner.Weight, _scaled = new(inner.Weight.Rows, inner.Weight.Columns);

    public override IEnumerable<LearnedNumbers> Numbers => first ? [.. scales.Numbers, .. inner.Numbers] : inner.Numbers;

    public override void Decode(Matrix<float> decoded)
    {
        Follow();
        inner.Decode(decoded);
    }

    public override void Move(Matrix<float> gradient, AdamStep step)
    {
        inner.Move(gradient, step);
        scales.Take(matrix, _scaled, gradient, step);
    }

    public override Linear ToLinear()
    {
        Follow();
        return inner.ToLinear();
    }

    private void Follow()
    {
        scales.Apply(matrix, _weight, _scaled);
        inner.Follow(_scaled);
    }
}

/// <summary>A norm's gain or shift, or a layer's bias, that is divided with others.</summary>
/// <param name="values">Without factors, one row.</param>
internal sealed class EquivalentVector(EquivalentScales scales, int matrix, Matrix<float> values) : LearnedPart
{
    private readonly Matrix<float> _scaled = new(1, values.Columns);

    public override IEnumerable<LearnedNumbers> Numbers => [];

    public override void Decode(Matrix<float> weight)
    {
        scales.Apply(matrix, values, _scaled);
        _scaled.Data.CopyTo(weight.Data);
    }

    public override void Move(Matrix<float> gradient, AdamStep step) => scales.Take(matrix, _scaled, gradient, step);
}
