using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>Layers that read one vector, whose channels are to be scaled for all of them alike.</summary>
/// <param name="Layers">They share <see cref="LayerProblem.Inputs"/>.</param>
/// <param name="FactorOf">Which factor each input channel takes, of 0 … the number of factors − 1; null gives each its own.</param>
public sealed record SiteProblem(IReadOnlyList<LayerProblem> Layers, IReadOnlyList<int>? FactorOf = null)
{
    public int Columns => Layers[0].Columns;

    public int FactorCount => FactorOf is null ? Columns : FactorOf.Max() + 1;

    /// <summary>A factor for each channel.</summary>
    public float[] OfChannels(float[] factors) => FactorOf is null ? factors : [.. FactorOf.Select(f => factors[f])];

    /// <summary>How much each factor's channels carry; 0 for those whose inputs were always zero.</summary>
    /// <exception cref="InvalidDataException">Mean magnitudes are asked for, and nobody took them.</exception>
    public double[] Activity(ChannelActivity of)
    {
        var inputs = Layers[0].Inputs;
        bool squares = of == ChannelActivity.RootMeanSquare;
        if (!squares && inputs.Magnitudes is null)
            throw new InvalidDataException($"{Layers[0].Name}: the mean magnitudes of its inputs were not taken; gather the statistics anew, or use the activity \"rootMeanSquare\".");
        var (sums, counts) = (new double[FactorCount], new int[FactorCount]);
        for (int j = 0; j < Columns; j++)
        {
            int f = FactorOf is null ? j : FactorOf[j];
            sums[f] += squares ? inputs.Gram[j, j] : inputs.Magnitudes![j];
            counts[f]++;
        }
        return [.. sums.Select((s, f) => squares ? Math.Sqrt(s / Math.Max(1, counts[f])) : s / Math.Max(1, counts[f]))];
    }
}

/// <summary>What is taken for the size of a channel's inputs.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ChannelActivity>))]
public enum ChannelActivity
{
    /// <summary>√ mean x², from the diagonal of the Gram matrix a method is fitted to, tokens weighted as there.</summary>
    [JsonStringEnumMemberName("rootMeanSquare")] RootMeanSquare,

    /// <summary>Mean |x| over all tokens alike, as AWQ's authors take it.</summary>
    [JsonStringEnumMemberName("meanMagnitude")] MeanMagnitude,
}

/// <summary>A problem whose inputs are divided by factors and whose columns are multiplied by them: the same outputs, the same losses.</summary>
public static class ScaledProblem
{
    /// <param name="factors">One a column, all positive.</param>
    public static LayerProblem Of(LayerProblem problem, float[] factors)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return problem with
        {
            Weight = Columns(problem.Weight, factors),
            Inputs = problem.Inputs with
            {
                Gram = Gram(problem.Inputs.Gram, factors),
                Plain = problem.Inputs.Plain is { } plain ? Gram(plain, factors) : null,
                Magnitudes = Magnitudes(problem.Inputs.Magnitudes, factors),
            },
        };
    }

    /// <summary>W diag(factors).</summary>
    public static Matrix<float> Columns(Matrix<float> weight, float[] factors)
    {
        var scaled = new Matrix<float>(weight.Rows, weight.Columns);
        Threads.For(weight.Rows, i => TensorPrimitives.Multiply(weight.Row(i), factors, scaled.Row(i)));
        return scaled;
    }

    /// <summary>Mean |x_j| / factor j.</summary>
    public static double[]? Magnitudes(double[]? magnitudes, float[] factors) =>
        magnitudes is null ? null : [.. magnitudes.Zip(factors, (m, f) => m / f)];

    /// <summary>H_ij / (factor i · factor j).</summary>
    public static Matrix<double> Gram(Matrix<double> gram, float[] factors)
    {
        double[] inverse = [.. factors.Select(f => 1.0 / f)];
        var scaled = new Matrix<double>(gram.Rows, gram.Columns);
        Threads.For(gram.Rows, i =>
        {
            TensorPrimitives.Multiply(gram.Row(i), inverse, scaled.Row(i));
            TensorPrimitives.Multiply(scaled.Row(i), inverse[i], scaled.Row(i));
        });
        return scaled;
    }
}
