using System.Buffers;
using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>Which channels of a layer have factors of their own.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ScaledSides>))]
public enum ScaledSides
{
    /// <summary>Each input: tensor <c>factors</c>.</summary>
    [JsonStringEnumMemberName("inputs")] Inputs,

    /// <summary>Each output: tensor <c>gains</c>.</summary>
    [JsonStringEnumMemberName("outputs")] Outputs,

    /// <summary>Both.</summary>
    [JsonStringEnumMemberName("both")] Both,
}

/// <summary>
/// W = diag(g) Ŵ diag(f): a layer under <c>inner</c> whose inputs are first multiplied by <c>factors</c>, a float16 a column, and its outputs at last by
/// <c>gains</c>, a float16 a row; one of them, or both.
/// </summary>
public sealed record ScaledFormat(
    LinearFormat Inner, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] ScaledSides Sides = ScaledSides.Inputs) : LinearFormat
{
    /// <summary>What the factors of a rows × columns layer take in a file.</summary>
    public static long FactorBits(ScaledSides sides, int rows, int columns) =>
        16L * ((sides == ScaledSides.Outputs ? 0 : columns) + (sides == ScaledSides.Inputs ? 0 : rows));

    public override Linear Load(StoredTensors tensors, int rows, int columns) => new ScaledLinear(Inner.Load(tensors.Under("inner"), rows, columns),
        Sides == ScaledSides.Outputs ? null : Read(tensors["factors"], columns), Sides == ScaledSides.Inputs ? null : Read(tensors["gains"], rows));

    public override string? WithoutKernel(int rows, int columns) => Inner.WithoutKernel(rows, columns);

    private static float[] Read(StoredTensor factors, int count) => factors.Type == ElementType.F16 && factors.Count == count
        ? factors.ReadAll() : throw new InvalidDataException($"{factors.Name}: expected {count} factors in F16, found {factors.Count} in {factors.Type}.");
}

/// <summary>
/// A layer with a factor for each of its inputs, its outputs, or both: what scaling of channels leaves where the operation before cannot take the factors,
/// and what tuning adds beside codes.
/// </summary>
public sealed class ScaledLinear : NestedLinear
{
    private readonly Linear _inner;
    private readonly float[]? _factors, _gains;

    /// <param name="factors">One a column, each exact in float16; null for none.</param>
    /// <param name="gains">One a row, likewise.</param>
    public ScaledLinear(Linear inner, float[]? factors, float[]? gains = null) : base(inner.Rows, inner.Columns)
    {
        if (factors is null && gains is null) throw new ArgumentException("A scaled layer has factors of inputs, of outputs or of both.", nameof(factors));
        if (factors is not null && factors.Length != inner.Columns)
            throw new ArgumentException($"A layer of {inner.Columns} inputs has as many factors, not {factors.Length}.", nameof(factors));
        if (gains is not null && gains.Length != inner.Rows)
            throw new ArgumentException($"A layer of {inner.Rows} outputs has as many gains, not {gains.Length}.", nameof(gains));
        (_inner, _factors, _gains) = (inner, factors, gains);
        Format = new(inner.Format, gains is null ? ScaledSides.Inputs : factors is null ? ScaledSides.Outputs : ScaledSides.Both);
    }

    internal Linear Inner => _inner;

    /// <summary>Of inputs.</summary>
    internal float[]? Factors => _factors;

    /// <summary>Of outputs.</summary>
    internal float[]? Gains => _gains;

    public override ScaledFormat Format { get; }
    public override bool RoundsInput => _inner.RoundsInput;
    public override long Bits => _inner.Bits + ScaledFormat.FactorBits(Format.Sides, Rows, Columns);

    public override void Save(StoredTensors tensors)
    {
        if (_factors is not null) tensors.Add("factors", StoredTensor.FromFloats("factors", ElementType.F16, _factors, Columns));
        if (_gains is not null) tensors.Add("gains", StoredTensor.FromFloats("gains", ElementType.F16, _gains, Rows));
        _inner.Save(tensors.Under("inner"));
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        _inner.DecodeRows(first, count, rows);
        for (int i = 0; i < count; i++) Scale(first + i, rows.Slice(i * Columns, Columns));
    }

    // Some inner forms decode whole much faster than by rows.
    public override Matrix<float> ToDense()
    {
        var w = _inner.ToDense();
        Threads.For(Rows, i => Scale(i, w.Row(i)));
        return w;
    }

    private void Scale(int i, Span<float> row)
    {
        if (_factors is not null) TensorPrimitives.Multiply(row, _factors, row);
        if (_gains is not null) TensorPrimitives.Multiply(row, _gains[i], row);
    }

    private protected override void Run(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers)
    {
        if (_factors is null) _inner.Apply(x, y, numbers);
        else
        {
            float[] rented = ArrayPool<float>.Shared.Rent(Columns);
            var scaled = rented.AsSpan(0, Columns);
            TensorPrimitives.Multiply(x, _factors, scaled);
            _inner.Apply(scaled, y, numbers);
            ArrayPool<float>.Shared.Return(rented);
        }
        if (_gains is not null) TensorPrimitives.Multiply(y, _gains, y);
    }

    private protected override void Run(Matrix<float> x, Matrix<float> y, InputNumbers numbers)
    {
        if (_factors is not null)
        {
            var scaled = new Matrix<float>(x.Rows, x.Columns);
            for (int t = 0; t < x.Rows; t++) TensorPrimitives.Multiply(x.Row(t), _factors, scaled.Row(t));
            x = scaled;
        }
        _inner.Apply(x, y, numbers);
        if (_gains is null) return;
        for (int t = 0; t < y.Rows; t++) TensorPrimitives.Multiply(y.Row(t), _gains, y.Row(t));
    }
}
