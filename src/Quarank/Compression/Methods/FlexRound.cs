using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Compression.Learning;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// FlexRound (Lee et al. 2023, arXiv:2306.00317): learns what each weight is divided by before it is rounded, E = D₂ + d₃ with a number for
/// every weight and one for every row, all from 0. Only codes, scales and zero-points are stored. Written with logarithms, as the authors'
/// released form is.
/// </summary>
/// <param name="Grid">Bits and groups; zero-points as the grid says. The papers have one group a row.</param>
/// <param name="Range">How the first scales are found, and the zero-points, which stay.</param>
public sealed record FlexRound(GridFormat Grid, GridRange Range = GridRange.Clip) : BlockMethod
{
    /// <summary>For a few hundred steps (docs/results.md); the authors take 5,000 of 0.003 and less.</summary>
    [JsonIgnore] public override double DefaultRate => 0.01;

    public override void Validate()
    {
        RangeChoice.ValidateInteger(Grid, Range);
        Learning.Validate();
    }

    public override long PlannedBits(LayerShape layer) => Grid.BitsOf(layer.Rows, layer.Columns);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        GridBudget.Nearest(Grid, bitsPerWeight, layers) is { } grid ? this with { Grid = grid } : null;

    public override long LearnedNumbers(int rows, int columns) => (long)rows * columns + rows + Grid.ScaleCount(rows, columns);

    internal override LearnedLayer Begin(LayerProblem problem) => new Layer(StartingPoint.Of(problem, Grid, Range, Start), Grid);

    private sealed class Layer(StartingPoint start, GridFormat grid) : LearnedGrid(start, grid)
    {
        private readonly LearnedNumbers _each = new(start.Weight.Rows * start.Weight.Columns), _rows = new(start.Weight.Rows);

        protected override IEnumerable<LearnedNumbers> Divisors => [_each, _rows];

        protected override void LogDivisors(Matrix<float> logs) => Threads.For(logs.Rows, i =>
            TensorPrimitives.Add(_each.Values.AsSpan(i * logs.Columns, logs.Columns), _rows.Values[i], logs.Row(i)));

        protected override void MoveDivisors(Matrix<float> slopes, AdamStep step)
        {
            Threads.For(slopes.Rows, i => _rows.Gradient[i] = TensorPrimitives.Sum<float>(slopes.Row(i)));
            slopes.Data.CopyTo(_each.Gradient);
            _each.Move(step);
            _rows.Move(step);
        }
    }
}
