using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Models.Scaling;

/// <summary>A site's factors and where they go.</summary>
/// <param name="Factors">As many as the fold counts, all positive; of a norm those that <see cref="ScaledTensors.Settle"/> gave.</param>
public sealed record FoldedScale(ScaleFold Fold, float[] Factors);

/// <summary>A block's tensors with factors of input channels moved from the operations before its sites to the layers behind them (AWQ, SmoothQuant).</summary>
public static class ScaledTensors
{
    /// <summary>
    /// Factors near those wanted that can be stored without loss: a norm's gain is rounded to the type that it is stored in, and its factor is what
    /// it fell by. A gain of zero, or one that would overflow, keeps the factor 1. Factors of rows stay as they are.
    /// </summary>
    public static float[] Settle(StoredTensors tensors, ModelSpec spec, ScaleFold fold, IReadOnlyList<float> factors)
    {
        ArgumentNullException.ThrowIfNull(fold);
        if (factors.Count != fold.FactorCount || !factors.All(f => f > 0 && float.IsFinite(f)))
            throw new ArgumentException($"'{fold.Target}' takes {fold.FactorCount} positive factors, got {factors.Count}.", nameof(factors));
        float[] settled = [.. factors];
        if (!fold.IsNorm) return settled;
        float one = PlusOne(spec);
        var (was, now) = (tensors[$"{fold.Target}.weight"].ReadAll(), Gain(tensors, spec, fold, settled).ReadAll());
        for (int j = 0; j < settled.Length; j++)
        {
            float factor = (one + was[j]) / (one + now[j]);
            settled[j] = factor > 0 && float.IsFinite(factor) ? factor : 1;
        }
        return settled;
    }

    /// <summary>The tensors of a block that change: norms' gains and shifts and biases in the types they had, weights in float32.</summary>
    /// <param name="tensors">Of the whole model.</param>
    /// <param name="scales">At most one a site.</param>
    public static IReadOnlyList<StoredTensor> Of(StoredTensors tensors, ModelSpec spec, int block, IReadOnlyCollection<FoldedScale> scales)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(spec);
        var changed = new List<StoredTensor>();
        foreach (var scale in scales.Where(s => s.Fold.IsNorm)) changed.AddRange(Norm(tensors, spec, scale));
        foreach (var projection in spec.Projections(block))
        {
            var columns = scales.FirstOrDefault(s => s.Fold.Site == projection.Site);
            var rows = scales.FirstOrDefault(s => !s.Fold.IsNorm && s.Fold.Target == projection.Name);
            if (columns is null && rows is null) continue;
            changed.Add(Weight(tensors, projection, columns, rows));
            if (rows is not null && projection.HasBias) changed.Add(Divided(tensors[$"{projection.Name}.bias"], rows.Factors, rows.Fold.FirstRow));
        }
        return changed;
    }

    /// <summary>A norm's gain, and its shift if it has one, divided by the factors, in the types they had.</summary>
    internal static IEnumerable<StoredTensor> Norm(StoredTensors tensors, ModelSpec spec, FoldedScale scale)
    {
        yield return Gain(tensors, spec, scale.Fold, scale.Factors);
        if (spec.Norm == NormKind.Layer) yield return Divided(tensors[$"{scale.Fold.Target}.bias"], scale.Factors, 0);
    }

    private static StoredTensor Weight(StoredTensors tensors, ProjectionSpec projection, FoldedScale? columns, FoldedScale? rows)
    {
        string name = $"{projection.Name}.weight";
        var w = tensors[name].ReadMatrix();
        float[]? factors = columns?.Fold.OfChannels(columns.Factors);
        Threads.For(w.Rows, i =>
        {
            if (factors is not null) TensorPrimitives.Multiply(w.Row(i), factors, w.Row(i));
            if (rows is not null && i >= rows.Fold.FirstRow) TensorPrimitives.Divide(w.Row(i), rows.Factors[i - rows.Fold.FirstRow], w.Row(i));
        });
        return StoredTensor.FromValues(name, w.Data.ToArray(), w.Rows, w.Columns);
    }

    // The stored gain of a norm that counts from 1 is what is beyond 1.
    private static StoredTensor Gain(StoredTensors tensors, ModelSpec spec, ScaleFold fold, float[] factors)
    {
        var stored = tensors[$"{fold.Target}.weight"];
        float[] gain = stored.ReadAll();
        float one = PlusOne(spec);
        for (int j = 0; j < gain.Length; j++)
        {
            float divided = (one + gain[j]) / factors[j] - one;
            if (factors[j] != 1 && Representable(stored.Type, divided)) gain[j] = divided;
        }
        return StoredTensor.FromFloats(stored.Name, stored.Type, gain, [.. stored.Shape]);
    }

    private static bool Representable(ElementType type, float value) => float.IsFinite(value) && (type != ElementType.F16 || MathF.Abs(value) <= 65504);

    private static StoredTensor Divided(StoredTensor stored, float[] factors, int first)
    {
        float[] values = stored.ReadAll();
        for (int i = 0; i < factors.Length; i++) values[first + i] /= factors[i];
        return StoredTensor.FromFloats(stored.Name, stored.Type, values, [.. stored.Shape]);
    }

    private static float PlusOne(ModelSpec spec) => spec.Norm == NormKind.RmsPlusOne ? 1 : 0;
}
