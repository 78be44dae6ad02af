using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>Where a linear layer stands in a decoder block, and its size; known from the config alone.</summary>
/// <param name="Name">As in the checkpoint, without the trailing <c>.weight</c>: <c>model.layers.3.self_attn.q_proj</c>.</param>
/// <param name="Site">What the layer reads.</param>
/// <param name="Rows">Output features.</param>
/// <param name="Columns">Input features.</param>
/// <param name="HasBias">Whether a vector of Rows values is added.</param>
public sealed record ProjectionSpec(string Name, InputSite Site, int Rows, int Columns, bool HasBias);

/// <summary>A named place of a block and the layer that fills it: y = W x + bias.</summary>
public sealed class Projection(ProjectionSpec spec, Linear weight, float[]? bias)
{
    private Linear _weight = Fitting(spec, weight);

    public ProjectionSpec Spec => spec;

    /// <summary>As in the checkpoint, without the trailing <c>.weight</c>.</summary>
    public string Name => spec.Name;

    public InputSite Site => spec.Site;

    /// <summary>The layer in this place; may be replaced by another of the same size.</summary>
    public Linear Weight
    {
        get => _weight;
        set => _weight = Fitting(spec, value);
    }

    /// <summary>Rows values, or null. Compression leaves it as it is.</summary>
    public float[]? Bias { get; } = bias;

    /// <summary>One token: x has Columns values, y gets Rows.</summary>
    public void Apply(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers = InputNumbers.Floats)
    {
        _weight.Apply(x, y, numbers);
        if (Bias is not null) TensorPrimitives.Add(y, Bias, y);
    }

    /// <summary>Two or three layers that read the same; of one token at once, where their forms allow.</summary>
    /// <param name="third">Null, and y3 is not looked at: two layers.</param>
    internal static void Apply(
        Projection first, Projection second, Projection? third, Matrix<float> x, Matrix<float> y1, Matrix<float> y2, Matrix<float> y3, InputNumbers numbers)
    {
        if (x.Rows == 1 && TryTogether(first._weight, second._weight, third?._weight, x.Row(0), y1.Row(0), y2.Row(0), third is null ? [] : y3.Row(0), numbers))
        {
            first.AddBias(y1);
            second.AddBias(y2);
            third?.AddBias(y3);
            return;
        }
        first.Apply(x, y1, numbers);
        second.Apply(x, y2, numbers);
        third?.Apply(x, y3, numbers);
    }

    private static bool TryTogether(
        Linear first, Linear second, Linear? third, ReadOnlySpan<float> x, Span<float> y1, Span<float> y2, Span<float> y3, InputNumbers numbers) =>
        PackedLinear.TryApplyTogether(first, second, third, x, y1, y2, y3, numbers) || ProductLinear.TryApplyTogether(first, second, third, x, y1, y2, y3, numbers);

    /// <summary>Many tokens: x is tokens × Columns, y becomes tokens × Rows.</summary>
    public void Apply(Matrix<float> x, Matrix<float> y, InputNumbers numbers = InputNumbers.Floats)
    {
        if (x.Rows == 1)
        {
            Apply(x.Row(0), y.Row(0), numbers);
            return;
        }
        _weight.Apply(x, y, numbers);
        AddBias(y);
    }

    private void AddBias(Matrix<float> y)
    {
        if (Bias is null) return;
        for (int i = 0; i < y.Rows; i++) TensorPrimitives.Add(y.Row(i), Bias, y.Row(i));
    }

    private static Linear Fitting(ProjectionSpec spec, Linear weight) =>
        weight.Rows == spec.Rows && weight.Columns == spec.Columns
            ? weight
            : throw new ArgumentException($"'{spec.Name}' is {spec.Rows}x{spec.Columns}; a layer of {weight.Rows}x{weight.Columns} does not fit.");
}
