using System.Numerics.Tensors;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>The non-linear functions of feed-forward parts, row by row.</summary>
internal static class Activations
{
    /// <summary>x := f(x).</summary>
    public static void Apply(Activation f, Matrix<float> x)
    {
        if (x.Rows == 1) Apply(f, x.Row(0));
        else ApplyAll(f, x);
    }

    /// <summary>gate := f(gate) · up.</summary>
    public static void Multiply(Activation f, Matrix<float> gate, Matrix<float> up)
    {
        if (gate.Rows == 1) Multiply(f, gate.Row(0), up.Row(0), gate.Row(0));
        else MultiplyAll(f, gate, up);
    }

    /// <summary>result := f(left half) · right half of each row of <paramref name="both"/>.</summary>
    public static void MultiplyHalves(Activation f, Matrix<float> both, Matrix<float> result)
    {
        if (both.Rows == 1) MultiplyHalves(f, both.Row(0), result.Row(0));
        else MultiplyAllHalves(f, both, result);
    }

    private static void Apply(Activation f, Span<float> x)
    {
        if (f == Activation.Relu) TensorPrimitives.Max(x, 0, x);
        else if (f == Activation.Silu) ActivationKernels.Silu(x);
        else ActivationKernels.GeluTanh(x);
    }

    private static void Multiply(Activation f, ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> result)
    {
        if (f == Activation.Silu)
        {
            ActivationKernels.SiluMultiply(gate, up, result);
            return;
        }
        gate.CopyTo(result);
        Apply(f, result);
        TensorPrimitives.Multiply(result, up, result);
    }

    private static void MultiplyHalves(Activation f, ReadOnlySpan<float> both, Span<float> result) =>
        Multiply(f, both[..result.Length], both[result.Length..], result);

    private static void ApplyAll(Activation f, Matrix<float> x) => RowWise.For(x.Rows, (first, count) => Apply(f, x.RowRange(first, count)));

    private static void MultiplyAll(Activation f, Matrix<float> gate, Matrix<float> up) => RowWise.For(gate.Rows,
        (first, count) => Multiply(f, gate.RowRange(first, count), up.RowRange(first, count), gate.RowRange(first, count)));

    private static void MultiplyAllHalves(Activation f, Matrix<float> both, Matrix<float> result) => RowWise.For(both.Rows, (first, count) =>
    {
        for (int i = first; i < first + count; i++) MultiplyHalves(f, both.Row(i), result.Row(i));
    });
}
