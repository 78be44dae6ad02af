using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>What forms of codes for whole blocks of weights share: products by the kernels of their matrix.</summary>
public abstract class CodedLinear : Linear
{
    private readonly ICodeMatrix _matrix;

    private protected CodedLinear(int rows, int columns, ICodeMatrix matrix) : base(rows, columns) => _matrix = matrix;

    public override void DecodeRows(int first, int count, Span<float> rows) => _matrix.DecodeRows(first, count, rows);

    public override void Apply(ReadOnlySpan<float> x, Span<float> y) => _matrix.MultiplyFloat(x, y);

    public override void Apply(Matrix<float> x, Matrix<float> y) => _matrix.Multiply(x, y);

    public override void ApplyRounded(ReadOnlySpan<float> x, Span<float> y) => _matrix.Multiply(x, y);

    public override void ApplyRounded(Matrix<float> x, Matrix<float> y)
    {
        var rounded = new Matrix<float>(x.Rows, x.Columns);
        Threads.For(x.Rows, t => _matrix.Round(x.Row(t), rounded.Row(t)));
        Apply(rounded, y);
    }
}
