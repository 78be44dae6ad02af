using System.Diagnostics;
using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Compression;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>A layer that was compressed, and held against plain rounding.</summary>
/// <param name="Error">Relative, from the packed codes; see <see cref="ProxyLoss"/>.</param>
/// <param name="PlainRounding">The relative error of plain rounding of no more bytes, where that is less than the method's.</param>
/// <param name="Replaced">Whether plain rounding stands in the method's place.</param>
/// <param name="LossSeconds">What measuring took, and holding it against plain rounding.</param>
internal sealed record GuardedLayer(Linear Layer, double Error, double? PlainRounding, bool Replaced, double LossSeconds);

/// <summary>
/// Stands around every method: bad input is refused by name before the method sees it, nothing that is no number leaves it, and what comes out worse than
/// plain rounding of no more bytes is replaced by that.
/// </summary>
/// <param name="fallback">Whether it is replaced, or only told.</param>
internal sealed class LayerGuard(bool fallback)
{
    // Methods damp by a hundredth of the mean diagonal unless told otherwise; each retry adds ten times what the one before it did.
    private static readonly double[] Retries = [0.1, 1, 10];

    /// <summary>Compresses a layer.</summary>
    /// <exception cref="InvalidDataException">The layer's weights or inputs are not finite, or the method fails at every damping and may not be replaced.</exception>
    public GuardedLayer Compress(Method method, LayerProblem problem)
    {
        Check(problem);
        var (layer, decoded) = Attempt(method, problem);
        long fitted = Stopwatch.GetTimestamp();
        GuardedLayer Made(Linear made, double error, double? plain, bool replaced) => new(made, error, plain, replaced, Stopwatch.GetElapsedTime(fitted).TotalSeconds);
        if (layer is null) return Made(Rounded(method, problem, out double rounded), rounded, null, true);
        double own = ProxyLoss.Relative(problem, layer, decoded!);
        if (PlainRounding.Better(problem, method, layer, own) is not { } plain) return Made(layer, own, null, false);
        return fallback ? Made(plain.Layer, plain.Error, plain.Error, true) : Made(layer, own, plain.Error, false);
    }

    /// <summary>A layer that was learned with the others of its block: judged by what the block gives, so that plain rounding of this one is no rival.</summary>
    /// <exception cref="InvalidDataException">It is not finite.</exception>
    public static GuardedLayer Measure(LayerProblem problem, Linear layer)
    {
        long start = Stopwatch.GetTimestamp();
        var decoded = layer.ToDense();
        if (FirstNotFinite(decoded) is var (i, _)) throw new InvalidDataException($"{problem.Name}: row {i} of what was learned is not finite; learn more slowly.");
        return new(layer, ProxyLoss.Relative(problem, layer, decoded), null, false, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>Null when the method failed every time and may be replaced.</summary>
    private (Linear?, Matrix<float>?) Attempt(Method method, LayerProblem problem)
    {
        var damped = problem;
        for (int retry = 0; ; retry++)
        {
            string? cause = Try(method, damped, out var layer, out var decoded);
            if (cause is null) return (layer, decoded);
            if (retry == Retries.Length)
            {
                string failed = FormattableString.Invariant(
                    $"{problem.Name}: the method failed {retry + 1} times, at last with {Retries[^1]} of the mean diagonal added to the Gram matrix: {cause}");
                if (!fallback) throw new InvalidDataException($"{failed}; calibrate with more tokens, give another method for this layer, or leave fallback on.");
                problem.Note?.Invoke(failed);
                return (null, null);
            }
            problem.Note?.Invoke(FormattableString.Invariant($"refused: {cause}; tried again with {Retries[retry]} of the mean diagonal added to the Gram matrix"));
            damped = Damped(problem, Retries[retry]);
        }
    }

    private static string? Try(Method method, LayerProblem problem, out Linear? layer, out Matrix<float>? decoded)
    {
        (layer, decoded) = (null, null);
        try
        {
            layer = method.Compress(problem);
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException or ArithmeticException)
        {
            return e.Message.StartsWith($"{problem.Name}: ", StringComparison.Ordinal) ? e.Message[(problem.Name.Length + 2)..] : e.Message;
        }
        decoded = layer.ToDense();
        return FirstNotFinite(decoded) is var (i, _) ? $"row {i} of what came out is not finite" : null;
    }

    private static Linear Rounded(Method method, LayerProblem problem, out double error)
    {
        long bits = method.PlannedBits(new(problem.Name, problem.Rows, problem.Columns));
        var plain = PlainRounding.Of(problem, bits) ?? throw new InvalidDataException(
            $"{problem.Name}: the method failed at every damping, and no plain rounding is as small as its {bits:N0} bits; calibrate with more tokens, or give another method for this layer.");
        var decoded = plain.ToDense();
        if (FirstNotFinite(decoded) is var (i, j))
            throw new InvalidDataException($"{problem.Name}.weight: the number {problem.Weight[i, j]} at row {i}, column {j} is beyond what scales of 16 bits hold; the tensor is damaged.");
        error = ProxyLoss.Relative(problem, decoded);
        problem.Note?.Invoke("replaced by plain rounding, since the method failed");
        return plain;
    }

    /// <summary>Refuses weights and inputs that are no numbers.</summary>
    /// <exception cref="InvalidDataException">Names tensor or layer, and the place.</exception>
    public static void Check(LayerProblem problem)
    {
        if (FirstNotFinite(problem.Weight) is var (i, j))
            throw new InvalidDataException($"{problem.Name}.weight: the number at row {i}, column {j} is {problem.Weight[i, j]}; the tensor is damaged.");
        foreach (var h in new[] { problem.Inputs.Gram, problem.Inputs.Plain }.OfType<Matrix<double>>())
            if (FirstNotFinite(h) is var (k, l))
                throw new InvalidDataException($"{problem.Name}: what calibration saw of its input is not finite (channels {k} and {l}): activations overflow, or a tensor before it is damaged.");
    }

    private static (int Row, int Column)? FirstNotFinite<T>(Matrix<T> matrix) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int i = 0; i < matrix.Rows; i++)
        {
            ReadOnlySpan<T> row = matrix.Row(i);
            if (TensorPrimitives.IsFiniteAll(row)) continue;
            int j = 0;
            while (T.IsFinite(row[j])) j++;
            return (i, j);
        }
        return null;
    }

    private static LayerProblem Damped(LayerProblem problem, double part)
    {
        var h = problem.Inputs.Gram.Clone();
        double trace = 0;
        for (int j = 0; j < h.Rows; j++) trace += h[j, j];
        double add = part * (trace > 0 ? trace / h.Rows : 1);
        for (int j = 0; j < h.Rows; j++) h[j, j] += add;
        return problem with { Inputs = problem.Inputs with { Gram = h, Plain = problem.Inputs.Plain ?? problem.Inputs.Gram } };
    }
}
