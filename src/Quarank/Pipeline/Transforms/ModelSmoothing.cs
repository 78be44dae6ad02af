using System.Numerics.Tensors;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Models.Scaling;
using Quarank.Numerics;

namespace Quarank.Pipeline.Transforms;

/// <summary>A norm whose channels were smoothed.</summary>
/// <param name="Norm">As in the checkpoint, without <c>.weight</c>.</param>
/// <param name="Before">How far the strongest channel of what the layers behind it read stands out: its largest magnitude over the mean of all channels'.</param>
/// <param name="After">The same of the smoothed model.</param>
public sealed record SmoothedNorm(string Norm, double Before, double After);

/// <summary>
/// SmoothQuant (Xiao et al. 2022, arXiv:2211.10438; spec §6.10): channels whose inputs are large are divided in the norm before the layers that read them and
/// multiplied in those layers' columns, by s_j = max |X_j|^α / max |W_:,j|^(1 − α), the weights' maximum over all layers behind the norm. The function stays, the inputs become
/// easier to round and the weights harder.
/// </summary>
public static class ModelSmoothing
{
    private const float Smallest = 1e-5f;

    /// <param name="calibration">Texts whose largest magnitudes count.</param>
    /// <param name="alpha">How much of the difficulty goes to the weights, 0 to 1.</param>
    /// <param name="type">What rewritten weights are stored as; null: as each was. Norms keep their types.</param>
    /// <exception cref="NotSupportedException">No norm of a model of this family can take factors.</exception>
    /// <exception cref="InvalidDataException">The model is compressed, or rotated.</exception>
    public static (TransformedModel Model, IReadOnlyList<SmoothedNorm> Norms) Smooth(StoredTensors tensors, JsonElement config, CalibrationSet calibration, double alpha,
        ElementType? type = null, IProgress<RunProgress>? progress = null, CancellationToken token = default)
    {
        if (!(alpha is >= 0 and <= 1)) throw new ArgumentException($"α is from 0 to 1, not {alpha}.", nameof(alpha));
        if (config.TryGetProperty("quarank", out _))
            throw new InvalidDataException("This model is compressed or rotated already; smooth the original. (A rotated model has no outliers left to smooth.)");
        var spec = ModelSpec.Of(config, tensors);
        var clock = new RunClock(spec.BlockCount, progress);
        var pass = new SequencePass(spec, calibration, clock, token);
        using var hidden = HiddenStates.Embed(new ModelLoader(tensors, config, spec).Embedding(), calibration);
        var (changed, norms) = (new Dictionary<string, StoredTensor>(StringComparer.Ordinal), new List<SmoothedNorm>());
        for (int index = 0; index < spec.BlockCount; index++)
        {
            clock.Start(index);
            ScaleFold[] folds = [.. spec.Sites.Select(s => ScaleFold.Of(spec, index, s).Fold).OfType<ScaleFold>().Where(f => f.IsNorm)];
            if (folds.Length == 0) throw new NotSupportedException($"{spec.Architecture} cannot be smoothed: {ScaleFold.Of(spec, index, InputSite.Attention).Refusal}.");
            var block = Model.LoadBlockInFloats(tensors, config, spec, index, pass.Buffers);
            var peaks = new PeakCollector(index, [.. folds.Select(f => f.Site)]);
            clock.Time(RunPhase.Observe, () => pass.Run(block, hidden, advance: index + 1 < spec.BlockCount, peaks));
            foreach (var fold in folds)
            {
                Projection[] readers = [.. block.Projections.Where(p => p.Site == fold.Site)];
                float[] inputs = peaks.Of(fold.Site, spec.HiddenSize);
                float[] factors = ScaledTensors.Settle(tensors, spec, fold, Factors(inputs, [.. readers.Select(p => p.Weight.ToDense())], alpha));
                foreach (var norm in ScaledTensors.Norm(tensors, spec, new(fold, factors))) changed.Add(norm.Name, norm);
                foreach (var reader in readers) changed.Add($"{reader.Name}.weight", Scaled(tensors[$"{reader.Name}.weight"], factors, type));
                norms.Add(new(fold.Target, Peak(inputs), Peak([.. inputs.Zip(factors, (x, s) => x / s)])));
            }
        }
        var smoothed = new StoredTensors();
        foreach (var tensor in tensors.All) smoothed.Add(tensor.Name, changed.GetValueOrDefault(tensor.Name) ?? tensor);
        return (new(smoothed, config, 0), norms);
    }

    /// <summary>s_j; 1 where nothing ever came in.</summary>
    /// <param name="inputs">max |X_j|.</param>
    /// <param name="weights">Of all layers that read them.</param>
    internal static float[] Factors(float[] inputs, IReadOnlyList<Matrix<float>> weights, double alpha)
    {
        var largest = new float[inputs.Length];
        var one = new float[inputs.Length];
        foreach (var w in weights)
            for (int i = 0; i < w.Rows; i++)
            {
                TensorPrimitives.Abs(w.Row(i), one);
                TensorPrimitives.Max<float>(largest, one, largest);
            }
        return [.. inputs.Zip(largest, (x, w) => x == 0 ? 1 : (float)Math.Max(Math.Pow(x, alpha) / Math.Pow(Math.Max(w, Smallest), 1 - alpha), Smallest))];
    }

    private static double Peak(float[] magnitudes) => TensorPrimitives.Sum<float>(magnitudes) is > 0 and var sum ? TensorPrimitives.Max<float>(magnitudes) * (double)magnitudes.Length / sum : 1;

    private static MadeTensor Scaled(StoredTensor weight, float[] factors, ElementType? type) => new(weight.Name, type ?? weight.Type, [.. weight.Shape], (first, count) =>
    {
        var rows = new float[checked(count * factors.Length)];
        weight.ReadRows(first, count, rows);
        for (int i = 0; i < count; i++)
        {
            var row = rows.AsSpan(i * factors.Length, factors.Length);
            TensorPrimitives.Multiply(row, factors, row);
        }
        return rows;
    });
}
