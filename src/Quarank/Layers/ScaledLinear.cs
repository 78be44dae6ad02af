using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>W = Ŵ diag(f): a layer under <c>inner</c> whose inputs are first multiplied by <c>factors</c>, a float16 a column.</summary>
public sealed record ScaledFormat(LinearFormat Inner) : LinearFormat
{
    public override Linear Load(StoredTensors tensors, int rows, int columns)
    {
        var factors = tensors["factors"];
        return factors.Type == ElementType.F16 && factors.Count == columns
            ? new ScaledLinear(Inner.Load(tensors.Under("inner"), rows, columns), factors.ReadAll())
            : throw new InvalidDataException($"{factors.Name}: expected {columns} factors in F16, found {factors.Count} in {factors.Type}.");
    }

    public override string? WithoutKernel(int rows, int columns) => Inner.WithoutKernel(rows, columns);
}

/// <summary>
/// A layer with a factor for each of its inputs: what scaling of channels leaves where the operation before cannot take the factors.
/// </summary>
public sealed class ScaledLinear : NestedLinear
{
    private readonly Linear _inner;
    private readonly float[] _factors;

    /// <param name="factors">One a column, each exact in float16.</param>
    public ScaledLinear(Linear inner, float[] factors) : base(inner.Rows, inner.Columns)
    {
        if (factors.Length != inner.Columns)
            throw new ArgumentException($"A layer of {inner.Columns} inputs has as many factors, not {factors.Length}.", nameof(factors));
        (_inner, _factors, Format) = (inner, factors, new(inner.Format));
    }

    public override ScaledFormat Format { get; }
    public override bool RoundsInput => _inner.RoundsInput;
    public override long Bits => _inner.Bits + 16L * Columns;

    public override void Save(StoredTensors tensors)
    {
        tensors.Add("factors", StoredTensor.FromFloats("factors", ElementType.F16, _factors, Columns));
        _inner.Save(tensors.Under("inner"));
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        _inner.DecodeRows(first, count, rows);
        for (int i = 0; i < count; i++)
        {
            var row = rows.Slice(i * Columns, Columns);
            TensorPrimitives.Multiply(row, _factors, row);
        }
    }

    private protected override void Run(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(Columns);
        var scaled = rented.AsSpan(0, Columns);
        TensorPrimitives.Multiply(x, _factors, scaled);
        _inner.Apply(scaled, y, numbers);
        ArrayPool<float>.Shared.Return(rented);
    }

    private protected override void Run(Matrix<float> x, Matrix<float> y, InputNumbers numbers)
    {
        var scaled = new Matrix<float>(x.Rows, x.Columns);
        for (int t = 0; t < x.Rows; t++) TensorPrimitives.Multiply(x.Row(t), _factors, scaled.Row(t));
        _inner.Apply(scaled, y, numbers);
    }
}
