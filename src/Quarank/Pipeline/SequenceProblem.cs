using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Training;

namespace Quarank.Pipeline;

/// <summary>
/// A decoder block to be learned: it reads what the compressed blocks before it give, and should give what the original block gave in the
/// original model, so that it makes up for errors before it too. Held out are the last sequences.
/// </summary>
internal sealed class SequenceProblem : BlockProblem
{
    private readonly BlockGradient<float> _block;
    private readonly IReadOnlyList<int> _learned;
    private readonly HiddenStates _inputs, _targets;
    private readonly LearningSettings _settings;
    private readonly int _width;
    private Matrix<float> _states = new(0, 0), _wanted = new(0, 0);

    /// <param name="block">As it is stored but for the layers to be learned.</param>
    /// <param name="learned">The indices of those among its projections.</param>
    /// <param name="vectors">Names of <see cref="BlockGradient{T}.Others"/> and biases that are learned too; they stand behind the weights.</param>
    public SequenceProblem(
        ModelSpec spec, Block block, IReadOnlyList<int> learned, IReadOnlyList<LayerProblem> layers, HiddenStates inputs, HiddenStates targets, LearningSettings settings,
        IReadOnlyList<string>? vectors = null)
        : base(layers)
    {
        (_block, _inputs, _targets, _settings, _width) = (new(spec, block), inputs, targets, settings, spec.HiddenSize);
        _learned = learned;
        for (int i = 0; i < block.Projections.Count; i++)
            if (InputOf(block.Projections[i]) is { } rounder) _block.RoundInput(i, rounder);
        Parameter<float>[] parameters = [.. learned.Select(i => _block.Weights[i]), .. (vectors ?? []).Select(name => _block.Others.Concat(_block.Biases.OfType<Parameter<float>>()).Single(p => p.Name == name))];
        Weights = [.. parameters.Select(p => p.Value)];
        Gradients = [.. Weights.Select(w => new Matrix<float>(w.Rows, w.Columns))];
        for (int l = 0; l < parameters.Length; l++) parameters[l].Gradient = Gradients[l];
        HeldOut = settings.HeldOutOf(inputs.Count);
    }

    public override int Samples => _inputs.Count - HeldOut;
    public override int HeldOut { get; }
    public override IReadOnlyList<Matrix<float>> Weights { get; }
    public override IReadOnlyList<Matrix<float>> Gradients { get; }

    /// <summary>From now on the layer reads its input rounded, as it will when it is stored.</summary>
    /// <param name="layer">Of those to be learned.</param>
    public void RoundInput(int layer, InputRounder rounder) => _block.RoundInput(_learned[layer], rounder);

    public override double Learn(ReadOnlySpan<int> batch)
    {
        var (error, size) = Run(batch.ToArray(), out var difference);
        TensorPrimitives.Multiply(difference.Data, 2f / (batch.Length * _width), difference.Data);
        _block.Backward(difference);
        return error / size;
    }

    public override double ErrorOf(bool heldOut)
    {
        double error = 0, size = 0;
        int end = heldOut ? _inputs.Count : Samples;
        for (int first = heldOut ? Samples : 0; first < end; first += _settings.Batch)
        {
            var (e, s) = Run([.. Enumerable.Range(first, Math.Min(_settings.Batch, end - first))], out _);
            (error, size) = (error + e, size + s);
        }
        return error / size;
    }

    /// <summary>Σ w ‖ŷ − y‖² and Σ w ‖y‖² of some sequences, w a token's weight.</summary>
    /// <param name="difference">w (ŷ − y).</param>
    private (double Error, double Size) Run(int[] sequences, out Matrix<float> difference)
    {
        for (int s = 0; s < sequences.Length; s++)
        {
            int at = s;
            _inputs.Use(sequences[s], false, h => Copy(h, ref _states, at, sequences.Length));
            _targets.Use(sequences[s], false, h => Copy(h, ref _wanted, at, sequences.Length));
        }
        var given = _block.Forward(_states, sequences.Length);
        double error = 0, size = 0;
        for (int t = 0; t < given.Rows; t++)
        {
            float norm = TensorPrimitives.SumOfSquares<float>(_wanted.Row(t));
            float weight = _settings.LossWeights == LossWeights.None ? 1 : norm > 0 ? _width / norm : 0;     // as if every token were of size 1
            size += weight * norm;
            TensorPrimitives.Subtract(given.Row(t), _wanted.Row(t), _wanted.Row(t));
            error += weight * TensorPrimitives.SumOfSquares<float>(_wanted.Row(t));
            if (_settings.LossWeights != LossWeights.None) TensorPrimitives.Multiply(_wanted.Row(t), weight, _wanted.Row(t));
        }
        difference = _wanted;
        return (error, size);
    }

    private static InputRounder? InputOf(Projection projection) => projection.Weight switch
    {
        QuantizedInputLinear rounded => rounded.Input,
        { RoundsInput: true } => throw new NotSupportedException(
            $"{projection.Name}: no gradient is known of a layer that reads its input both rounded and as it is; learn it too, or give it a method without a correction."),
        _ => null,
    };

    private static void Copy(Matrix<float> h, ref Matrix<float> all, int at, int count)
    {
        if (all.Rows != count * h.Rows || all.Columns != h.Columns) all = new(count * h.Rows, h.Columns);
        h.Data.CopyTo(all.RowRange(at * h.Rows, h.Rows));
    }
}
