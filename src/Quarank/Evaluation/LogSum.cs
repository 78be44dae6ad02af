using System.Numerics.Tensors;

namespace Quarank.Evaluation;

/// <summary>ln Σ eˣ without overflow.</summary>
internal static class LogSum
{
    private const int Piece = 1024;

    /// <summary>Of logits, which are overwritten; vectors in float, pieces summed in double. −∞ where all are.</summary>
    public static double Of(Span<float> logits)
    {
        float greatest = TensorPrimitives.Max<float>(logits);
        if (float.IsNegativeInfinity(greatest)) return double.NegativeInfinity;
        TensorPrimitives.Subtract(logits, greatest, logits);
        TensorPrimitives.Exp<float>(logits, logits);
        double sum = 0;
        for (int i = 0; i < logits.Length; i += Piece) sum += TensorPrimitives.Sum<float>(logits.Slice(i, Math.Min(Piece, logits.Length - i)));
        return greatest + Math.Log(sum);
    }

    /// <summary>Of some values and of others whose sum is known: ln (Σ eˣ + eʳ).</summary>
    public static double Of(ReadOnlySpan<double> some, double rest)
    {
        double greatest = Math.Max(rest, TensorPrimitives.Max(some)), sum = Math.Exp(rest - greatest);
        foreach (double x in some) sum += Math.Exp(x - greatest);
        return greatest + Math.Log(sum);
    }
}
