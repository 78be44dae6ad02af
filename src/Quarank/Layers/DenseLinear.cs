using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Quarank.Checkpoints;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Layers;

/// <summary>A weight stored as it is: tensor <c>weight</c>, in the type the checkpoint has.</summary>
public sealed record DenseFormat : LinearFormat
{
    public override Linear Load(StoredTensors tensors, int rows, int columns) => DenseLinear.Load(tensors["weight"], rows, columns);
}

/// <summary>A weight kept in the type it was stored in: float32, float16 or bfloat16.</summary>
public sealed class DenseLinear : Linear
{
    private const int RowChunk = 64;
    private readonly float[] _singles;      // filled for F32
    private readonly ushort[] _halves;      // filled for F16 and BF16
    private readonly ElementType _type;
    private readonly HalfMatrix? _half;     // around the halves
    private readonly RowParallel.Kernel _kernel;

    /// <summary>A float32 weight, copied.</summary>
    public DenseLinear(Matrix<float> weight) : this(weight.Rows, weight.Columns, ElementType.F32, weight.Data.ToArray(), []) { }

    /// <summary>A weight of 16-bit floats.</summary>
    /// <param name="type"><see cref="ElementType.F16"/> or <see cref="ElementType.BF16"/>.</param>
    /// <param name="halves">rows × columns codes of that type, row by row; not copied.</param>
    public DenseLinear(int rows, int columns, ElementType type, ushort[] halves) : this(rows, columns, type, [], halves)
    {
        if (type is not (ElementType.F16 or ElementType.BF16)) throw new ArgumentException($"{type} is not a 16-bit float.", nameof(type));
    }

    /// <summary>A weight of half floats (IEEE binary16 codes, row by row; not copied).</summary>
    public static DenseLinear OfHalves(int rows, int columns, ushort[] halves) => new(rows, columns, ElementType.F16, halves);

    /// <summary>A weight rounded to 16-bit floats: float16, or bfloat16 where a number is beyond float16's largest.</summary>
    public static DenseLinear InHalves(Matrix<float> weight)
    {
        var halves = new ushort[weight.Data.Length];
        bool wide = halves.Length > 0 && Math.Abs(TensorPrimitives.MaxMagnitude<float>(weight.Data)) > (float)Half.MaxValue;
        Threads.For(weight.Rows, i =>
        {
            var row = weight.Row(i);
            for (int j = 0; j < row.Length; j++)
                halves[i * row.Length + j] = wide ? RoundedBFloat16(row[j]) : BitConverter.HalfToUInt16Bits((Half)row[j]);
        });
        return new DenseLinear(weight.Rows, weight.Columns, wide ? ElementType.BF16 : ElementType.F16, halves);
    }

    /// <summary>Any weight decoded to float32, which spares every later product the decoding.</summary>
    public static DenseLinear InFloats(Linear weight)
    {
        if (weight is DenseLinear { _type: ElementType.F32 } already) return already;
        var values = new float[checked(weight.Rows * weight.Columns)];
        Threads.For((weight.Rows + RowChunk - 1) / RowChunk, c =>
        {
            int first = c * RowChunk, count = Math.Min(RowChunk, weight.Rows - first);
            weight.DecodeRows(first, count, values.AsSpan(first * weight.Columns, count * weight.Columns));
        });
        return new DenseLinear(weight.Rows, weight.Columns, ElementType.F32, values, []);
    }

    private DenseLinear(int rows, int columns, ElementType type, float[] singles, ushort[] halves) : base(rows, columns)
    {
        if (singles.LongLength + halves.LongLength != (long)rows * columns)
            throw new ArgumentException($"A {rows}x{columns} weight needs {(long)rows * columns} values, got {singles.LongLength + halves.LongLength}.");
        (_type, _singles, _halves) = (type, singles, halves);
        if (type != ElementType.F32) _half = new HalfMatrix(rows, columns, halves, type == ElementType.BF16);
        _kernel = ApplyRows;
    }

    /// <summary>Other numbers of the same type.</summary>
    internal DenseLinear With(Matrix<float> weight) => _type switch
    {
        ElementType.F32 => new(weight),
        ElementType.F16 => InHalves(weight),
        _ => new(weight.Rows, weight.Columns, ElementType.BF16, Array.ConvertAll(weight.Data.ToArray(), RoundedBFloat16)),
    };

    public override DenseFormat Format { get; } = new();
    public override long Bits => (_type == ElementType.F32 ? 32L : 16L) * Rows * Columns;

    public override void Save(StoredTensors tensors)
    {
        if (_type == ElementType.F32) tensors.Add("weight", StoredTensor.FromValues("weight", _singles, Rows, Columns));
        else tensors.Add("weight", StoredTensor.FromBytes("weight", _type, MemoryMarshal.AsBytes(_halves.AsSpan()).ToArray(), Rows, Columns));
    }

    /// <summary>Reads a stored weight. Float64 becomes float32; the other float types stay as they are.</summary>
    /// <exception cref="InvalidDataException">The tensor's shape is not rows × columns.</exception>
    public static DenseLinear Load(StoredTensor tensor, int rows, int columns)
    {
        if (tensor.Shape is not [var r, var c] || r != rows || c != columns)
            throw new InvalidDataException($"{tensor.Name}: expected shape [{rows}, {columns}], found [{string.Join(", ", tensor.Shape)}].");
        if (tensor.Type is not (ElementType.F16 or ElementType.BF16))
            return new DenseLinear(rows, columns, ElementType.F32, tensor.ReadAll(), []);
        var halves = new ushort[checked(rows * columns)];
        tensor.ReadBytes(0, MemoryMarshal.AsBytes(halves.AsSpan()));
        return new DenseLinear(rows, columns, tensor.Type, halves);
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        int start = first * Columns, length = count * Columns;
        if (_type == ElementType.F32) _singles.AsSpan(start, length).CopyTo(rows);
        else Widen(_halves.AsSpan(start, length), rows);
    }

    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        if (_half is null) RowParallel.Run(RowChunk, x, y, _kernel);
        else _half.Multiply(x, y);
    }

    public override void Apply(Matrix<float> x, Matrix<float> y)
    {
        if (_half is null) LinearAlgebra.MultiplyTransposed(x, new Matrix<float>(Rows, Columns, _singles), y);
        else _half.Multiply(x, y);
    }

    private void ApplyRows(int first, ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++) y[i] = HalfKernels.Dot(_singles.AsSpan((first + i) * Columns, Columns), x);
    }

    private void Widen(ReadOnlySpan<ushort> halves, Span<float> values)
    {
        if (_type == ElementType.F16) SmallFloat.HalfToSingle(halves, values);
        else SmallFloat.BFloat16ToSingle(halves, values);
    }

    // To nearest, ties to even; a float next to infinity stays finite.
    private static ushort RoundedBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value), rounded = bits + 0x7FFF + ((bits >> 16) & 1);
        return (ushort)(((rounded & 0x7F80_0000) == 0x7F80_0000 ? bits : rounded) >> 16);
    }
}
