using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Training;

namespace Quarank.Pipeline;

/// <summary>A gain or a shift of a norm of a loaded block.</summary>
/// <param name="Parameter">What <see cref="BlockGradient{T}"/> calls it.</param>
/// <param name="Tensor">What the checkpoint calls it.</param>
/// <param name="Values">Those that the block multiplies with; may be changed.</param>
/// <param name="PlusOne">1 where what is stored is what is beyond 1.</param>
internal sealed record NormVector(string Parameter, string Tensor, float[] Values, float PlusOne)
{
    /// <summary>A number as it is stored: in 32 bits where the checkpoint has those, else as a float16, which is finer than a bfloat16 and as large.</summary>
    public float Rounded(float value, ElementType stored) =>
        stored == ElementType.F32 || MathF.Abs(value - PlusOne) > (float)Half.MaxValue ? value : (float)(Half)(value - PlusOne) + PlusOne;

    /// <summary>Null where they are as the checkpoint has them.</summary>
    public StoredTensor? ToStored(StoredTensor original)
    {
        float[] values = Array.ConvertAll(Values, v => v - PlusOne);
        if (original.ReadAll().AsSpan().SequenceEqual(values)) return null;
        var type = original.Type != ElementType.F32 && values.All(v => v == (float)(Half)v) ? ElementType.F16 : ElementType.F32;
        return StoredTensor.FromFloats(Tensor, type, values, values.Length);
    }
}

/// <summary>The norms of a block, by their names in the checkpoint.</summary>
internal static class BlockNorms
{
    public static IReadOnlyList<NormVector> Of(ModelSpec spec, Block block)
    {
        var names = spec.Names;
        string prefix = $"{names.Block(block.Index)}.";
        var traits = block.Attention.Traits;
        (Norm? Norm, string Parameter, string Tensor)[] all =
        [
            (block.AroundAttention.Input, "attention input norm", names.AttentionNorm),
            (block.AroundAttention.Output, "attention output norm", names.AttentionOutputNorm),
            (block.AroundAttention.Sum, "attention sum norm", names.AttentionNorm),
            (traits.QueryNorm, "query norm", $"{names.Attention}q_norm"),
            (traits.KeyNorm, "key norm", $"{names.Attention}k_norm"),
            (block.AroundFeedForward.Input, "feed-forward input norm", names.MlpNorm),
            (block.AroundFeedForward.Output, "feed-forward output norm", names.MlpOutputNorm),
            (block.AroundFeedForward.Sum, "feed-forward sum norm", names.MlpNorm),
        ];
        return [.. all.SelectMany(n => Vectors(spec, n.Norm, n.Parameter, prefix + n.Tensor))];
    }

    private static IEnumerable<NormVector> Vectors(ModelSpec spec, Norm? norm, string parameter, string tensor)
    {
        var (gain, shift) = norm switch
        {
            RmsNorm rms => (rms.Gain, null),
            LayerNorm layer => (layer.Gain, layer.Shift),
            _ => ((float[]?)null, (float[]?)null),
        };
        if (gain is not null) yield return new($"{parameter} gain", $"{tensor}.weight", gain, spec.Norm == NormKind.RmsPlusOne ? 1 : 0);
        if (shift is not null) yield return new($"{parameter} shift", $"{tensor}.bias", shift, 0);
    }
}
