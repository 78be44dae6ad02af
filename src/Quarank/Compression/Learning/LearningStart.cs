using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>From which weights learning begins.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LearningStart>))]
public enum LearningStart
{
    /// <summary>The layer's own: the first step sees what rounding to the nearest does.</summary>
    [JsonStringEnumMemberName("rtn")] Nearest,

    /// <summary>Those that GPTQ's feedback has moved, each as it stood when its turn to be rounded came: the first step sees what GPTQ does.</summary>
    [JsonStringEnumMemberName("gptq")] Gptq,
}

/// <summary>Weights and grids before anything is learned; the weights rounded to the nearest on the grids are where learning begins.</summary>
/// <param name="Grids">Row by row, group by group.</param>
internal sealed record StartingPoint(Matrix<float> Weight, ScalarGrid[] Grids)
{
    private const double Damping = 0.01;     // GPTQ's

    /// <param name="range">How the grids are fitted: to single groups, or to the whole layer's loss.</param>
    public static StartingPoint Of(LayerProblem problem, GridFormat format, GridRange range, LearningStart start)
    {
        var dead = DampedGram.DeadColumns(problem);
        var given = RangeChoice.Grids(problem, format, range, dead);
        if (start == LearningStart.Nearest) return new(problem.Weight, given ?? Fitted(problem.Weight, format, range));

        var feedback = DampedGram.Factor(problem, Damping, dead, h => FeedbackFactor.Of(h));
        var codes = new GridCodes(format, range, problem.Rows, problem.Columns) { Given = given };
        new FeedbackRounding(feedback, dead: dead).Round(problem.Weight, codes, problem.Weight);
        return new(Moved(problem.Weight, codes, feedback, dead), codes.Grids);
    }

    private static ScalarGrid[] Fitted(Matrix<float> weight, GridFormat format, GridRange range)
    {
        int groups = format.GroupsOf(weight.Columns), size = format.GroupSize == 0 ? weight.Columns : format.GroupSize;
        var grids = new ScalarGrid[weight.Rows * groups];
        Threads.For(weight.Rows, i =>
        {
            var w = new double[weight.Columns];
            TensorPrimitives.ConvertChecked<float, double>(weight.Row(i), w);
            for (int g = 0; g < groups; g++) grids[i * groups + g] = ScalarGrid.Fit(format, range, w.AsSpan(g * size, Math.Min(size, w.Length - g * size)));
        });
        return grids;
    }

    // w_k + Σ_{j<k} (w_j − ŵ_j) A_jk: what each column had become when it was rounded. A has ones on its diagonal, which bring w_k − ŵ_k: the sum is taken on top of ŵ.
    private static Matrix<float> Moved(Matrix<float> weight, GridCodes codes, Matrix<float> feedback, bool[] dead)
    {
        var (errors, moved) = (new Matrix<float>(weight.Rows, weight.Columns), new Matrix<float>(weight.Rows, weight.Columns));
        Threads.For(weight.Rows, i =>
        {
            var values = new double[weight.Columns];
            codes.Decode(i, values);
            for (int j = 0; j < values.Length; j++) errors[i, j] = (float)((dead[j] ? 0 : weight[i, j]) - values[j]);
        });
        LinearAlgebra.Multiply(errors, feedback, moved);
        Threads.For(weight.Rows, i =>
        {
            var values = new double[weight.Columns];
            codes.Decode(i, values);
            for (int j = 0; j < values.Length; j++) moved[i, j] += (float)values[j];
        });
        return moved;
    }
}
