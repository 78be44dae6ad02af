using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Compression.Learning;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// LRQ (Lee et al. 2025, arXiv:2407.11534): as <see cref="FlexRound"/>, but the numbers of single weights are a product of low rank, so
/// that fewer are learned and they hold better for text that was not seen: E = L U + r₂ + c₂, L, r₂ and c₂ from 0, U from uniform numbers up to
/// 1/√Columns. Nothing of low rank is stored: only codes, scales and zero-points.
/// </summary>
/// <param name="Grid">Bits and groups; zero-points as the grid says. The papers have one group a row.</param>
/// <param name="Rank">Of L U; null for a quarter of the smaller side, which is the authors' 1,024 of 4,096 and 2,048 of 8,192.</param>
/// <param name="Range">How the first scales are found, and the zero-points, which stay.</param>
public sealed record Lrq(GridFormat Grid, int? Rank = null, GridRange Range = GridRange.Clip) : BlockMethod
{
    /// <summary>For a few hundred steps (docs/results.md); the authors take 5,000 of 0.0009 and less.</summary>
    [JsonIgnore] public override double DefaultRate => 0.01;

    public override void Validate()
    {
        RangeChoice.ValidateInteger(Grid, Range);
        Learning.Validate();
        if (Rank < 1) throw new ArgumentException($"The rank is at least 1, not {Rank}.");
    }

    public override long PlannedBits(LayerShape layer) => Grid.BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        GridBudget.Nearest(Grid, bitsPerWeight, layers) is { } grid ? this with { Grid = grid } : null;

    /// <summary>The rank in a layer of this size; never more than a product can have.</summary>
    public int RankOf(int rows, int columns) => Math.Clamp(Rank ?? Math.Min(rows, columns) / 4, 1, Math.Min(rows, columns));

    public override long LearnedNumbers(int rows, int columns) =>
        (long)RankOf(rows, columns) * (rows + columns) + rows + columns + Grid.ScaleCount(rows, columns);

    internal override LearnedLayer Begin(LayerProblem problem) => new Layer(problem, StartingPoint.Of(problem, Grid, Range, Start), Grid, RankOf(problem.Rows, problem.Columns));

    private sealed class Layer : LearnedGrid
    {
        private readonly int _rank;
        private readonly LearnedNumbers _left, _right, _rows, _columns;
        private readonly float[] _ones;

        public Layer(LayerProblem problem, StartingPoint start, GridFormat grid, int rank) : base(start, grid)
        {
            int rows = problem.Rows, columns = problem.Columns;
            (_rank, _left, _right, _rows, _columns) = (rank, new(rows * rank), new(rank * columns), new(rows), new(columns));
            _ones = new float[rows];
            Array.Fill(_ones, 1);
            var random = new SeededRandom((ulong)problem.Seed);
            float bound = 1 / MathF.Sqrt(columns);
            foreach (ref float u in _right.Values.AsSpan()) u = bound * (2 * random.Unit() - 1);
        }

        protected override IEnumerable<LearnedNumbers> Divisors => [_left, _right, _rows, _columns];

        private Matrix<float> Left(float[] values) => new(Weight.Rows, _rank, values);

        private Matrix<float> Right(float[] values) => new(_rank, Weight.Columns, values);

        protected override void LogDivisors(Matrix<float> logs)
        {
            LinearAlgebra.Multiply(Left(_left.Values), Right(_right.Values), logs);
            Threads.For(logs.Rows, i =>
            {
                TensorPrimitives.Add(logs.Row(i), _rows.Values[i], logs.Row(i));
                TensorPrimitives.Add(logs.Row(i), _columns.Values, logs.Row(i));
            });
        }

        protected override void MoveDivisors(Matrix<float> slopes, AdamStep step)
        {
            LinearAlgebra.MultiplyTransposed(slopes, Right(_right.Values), Left(_left.Gradient));
            LinearAlgebra.TransposeMultiply(Left(_left.Values), slopes, Right(_right.Gradient));
            LinearAlgebra.Multiply(new Matrix<float>(1, slopes.Rows, _ones), slopes, new Matrix<float>(1, slopes.Columns, _columns.Gradient));
            Threads.For(slopes.Rows, i => _rows.Gradient[i] = TensorPrimitives.Sum<float>(slopes.Row(i)));
            foreach (var numbers in Divisors) numbers.Move(step);
        }
    }
}
