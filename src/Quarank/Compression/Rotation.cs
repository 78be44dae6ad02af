using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Hadamard;

namespace Quarank.Compression;

/// <summary>A layer problem in rotated coordinates, W → U W Vᵀ and H → V H Vᵀ with the rotations of its seed.</summary>
internal sealed class Rotation(LayerProblem problem, RotationKind kind = RotationKind.Hadamard)
{
    private readonly SeededRotation _inputs = TransformedLinear.InputRotation(problem.Columns, problem.Seed, kind);
    private readonly SeededRotation _outputs = TransformedLinear.OutputRotation(problem.Rows, problem.Seed, kind);

    /// <summary>The same loss at the same weights. Weights of dead inputs are zero before they are turned, since none is dead after it.</summary>
    public LayerProblem Turned() => problem with
    {
        Weight = Turned(LiveWeight(problem, DampedGram.DeadColumns(problem))),
        Inputs = problem.Inputs with
        {
            Gram = Incoherence.TurnGram(problem.Inputs.Gram, _inputs),
            Plain = problem.Inputs.Plain is { } plain ? Incoherence.TurnGram(plain, _inputs) : null,
            Magnitudes = null,
        },
    };

    public Matrix<float> Turned(Matrix<float> weight) => Incoherence.Turn(weight, _outputs, _inputs);

    /// <summary>What was made in these coordinates, as a layer in the problem's.</summary>
    public TransformedLinear Back(Linear inner) => new(inner, problem.Seed, kind);

    /// <summary>W with zeros for dead inputs; W itself where there are none.</summary>
    public static Matrix<float> LiveWeight(LayerProblem problem, bool[] dead)
    {
        if (!dead.Contains(true)) return problem.Weight;
        var w = problem.Weight.Clone();
        for (int i = 0; i < w.Rows; i++)
            for (int j = 0; j < w.Columns; j++)
                if (dead[j]) w[i, j] = 0;
        return w;
    }
}
