using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>What the ranges of <see cref="GridRange"/> ask for, and the grids of those that look at a whole layer.</summary>
internal static class RangeChoice
{
    /// <summary>Whether the range is chosen with the Gram matrix, before anything is rounded.</summary>
    public static bool NeedsGram(this GridRange range) => range is GridRange.Output or GridRange.Learned;

    /// <exception cref="ArgumentException">This grid cannot have its range chosen so.</exception>
    public static void Validate(GridFormat grid, GridRange range)
    {
        grid.Validate();
        if (grid.Axis != GridAxis.Rows) throw new ArgumentException("This method's grid runs along rows.");
        if (range.NeedsGram() && grid.Super is not null)
            throw new ArgumentException("Ranges by output and learned ones choose each group's scale by itself, which scales of two levels do not allow; take minMax or clip.");
        if (range == GridRange.HalfQuadratic && grid.Offset != GridOffset.Number)
            throw new ArgumentException("The half-quadratic range solves for an offset that is no integer: the grid's offset must be \"number\".");
    }

    /// <summary>For methods that find scales of one level in ways of their own.</summary>
    /// <exception cref="ArgumentException">The grid is not one along rows, with an integer zero-point or none.</exception>
    public static void ValidateInteger(GridFormat grid, GridRange range)
    {
        grid.Validate();
        if (grid.Axis != GridAxis.Rows || grid.Offset == GridOffset.Number || grid.Super is not null)
            throw new ArgumentException("This method's grid runs along rows, with an integer zero-point or none and scales of one level.");
        if (range == GridRange.HalfQuadratic) throw new ArgumentException("This method's first range is minMax, clip, output or learned.");
    }

    /// <summary>Every grid of the layer, row by row, where its range looks at the whole layer; else null.</summary>
    public static ScalarGrid[]? Grids(LayerProblem problem, GridFormat grid, GridRange range, bool[] dead) => range switch
    {
        GridRange.Output => OutputRange.Search(Rotation.LiveWeight(problem, dead), problem.Inputs.Gram, grid),
        GridRange.Learned => LearnedRange.Fit(Rotation.LiveWeight(problem, dead), problem.Inputs.Gram, grid),
        _ => null,
    };

    /// <summary>Memory for it, bytes.</summary>
    public static long WorkBytes(GridRange range, int rows, int columns) => range.NeedsGram() ? 4L * columns * columns + 8L * rows * columns : 0;

    /// <summary>A Gram matrix in floats: sums of errors lose nothing that matters.</summary>
    public static Matrix<float> Single(Matrix<double> gram)
    {
        var single = new Matrix<float>(gram.Rows, gram.Columns);
        Threads.For(gram.Rows, i => System.Numerics.Tensors.TensorPrimitives.ConvertTruncating<double, float>(gram.Row(i), single.Row(i)));
        return single;
    }
}
