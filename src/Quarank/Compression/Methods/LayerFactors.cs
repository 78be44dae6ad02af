using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>Low-rank factors for matrices of one layer, the best ones in some norm of its inputs, rounded as LoRDQ's refit does: R first, then the L that suits it.</summary>
/// <param name="style">Says rank and bits; of <see cref="Style"/>.</param>
/// <param name="problem">Its Gram matrix is the one that is fitted to.</param>
internal sealed class LayerFactors(Lordq style, LayerProblem problem, InputWeighting weighting, double power, double damping, DampingOf dampingOf)
{
    private readonly bool[] _dead = DampedGram.DeadColumns(problem);
    private Matrix<double>? _y;
    private LordqFactors? _factors;

    private Matrix<double> Y => _y ??= WeightedLowRank.Root(problem, weighting, _dead, power, damping, dampingOf);

    /// <summary>W without the weights of dead inputs.</summary>
    public Matrix<double> Weight => DampedGram.LiveWeight(problem, _dead);

    /// <summary>How factors of so many bits are rounded: normal levels up to 4 bits, even steps around zero beyond; half floats for 16.</summary>
    public static Lordq Style(int bits, int groupSize, LordqLead? lead, InputWeighting weighting) => new(Blocks: 1, PBits: bits, QBits: bits,
        Compensation: false, Refit: true, Feedback: weighting == InputWeighting.Gram ? LordqFeedback.Both : LordqFeedback.P, Levels: CodeLevels.Normal,
        Range: GridRange.Clip, GroupSize: groupSize, Lead: lead);

    /// <summary>Blocks whose product is near to a matrix of this layer's shape.</summary>
    public List<LordqBlock> Of(Matrix<double> matrix)
    {
        _factors ??= new(style, Y, Feedback(), new(problem.Name, problem.Rows, problem.Columns), problem.Note);
        return _factors.Of(matrix);
    }

    /// <summary>What a difference loses in the norm that is fitted to.</summary>
    public double Loss(Matrix<double> left) => LordqFactors.Loss(LinearAlgebra.TimesLower(left, Y));

    /// <summary>What a layer stands for, with zeros for dead inputs: nothing there is worth mending.</summary>
    public Matrix<double> Values(Linear layer)
    {
        var decoded = layer.ToDense();
        var values = new Matrix<double>(decoded.Rows, decoded.Columns);
        Threads.For(values.Rows, i =>
        {
            TensorPrimitives.ConvertTruncating<float, double>(decoded.Row(i), values.Row(i));
            for (int j = 0; j < _dead.Length; j++)
                if (_dead[j]) values[i, j] = 0;
        });
        return values;
    }

    // The factors' bits all being 16, or the norm a diagonal one, no entry's error concerns another.
    private Matrix<float>? Feedback()
    {
        if (!style.Feedback.HasFlag(LordqFeedback.Q)) return null;
        bool rounded = style.Bands(problem.Rows, problem.Columns, Math.Min(problem.Rows, problem.Columns)).Any(b => b.QBits != 16);
        return rounded ? DampedGram.Factor(problem, damping, _dead, h => FeedbackFactor.Of(h), dampingOf) : null;
    }
}
