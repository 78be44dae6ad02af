using System.Buffers;
using Quarank.Checkpoints;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Layers;

/// <summary>
/// y = W x̂: another form under <c>inner</c>, fed with its input rounded on a grid; the clip ratio, or the two ends of a static range, under
/// <c>range</c>.
/// </summary>
public sealed record QuantizedInputFormat(InputGrid Input, LinearFormat Inner) : LinearFormat
{
    /// <summary>What the range takes in a file.</summary>
    public static long RangeBits(InputGrid input) => input.Static ? 64 : 32;

    public override Linear Load(StoredTensors tensors, int rows, int columns)
    {
        var range = tensors["range"];
        try
        {
            Input.Validate();
            return new QuantizedInputLinear(InputRounder.Of(Input, range.ReadArray<float>()), Inner.Load(tensors.Under("inner"), rows, columns));
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{range.Description}: not the range of the inputs that config.json describes: {e.Message}", e);
        }
    }

    public override string? WithoutKernel(int rows, int columns) =>
        Inner is GridFormat grid && grid.IntegerGroup(columns) is not null ? null : Inner.WithoutKernel(rows, columns);
}

/// <summary>
/// A layer whose input is rounded before the product: what a method for 4- and 8-bit activations returns. The rounding belongs to the layer, not to
/// a session: however a session takes its inputs (<see cref="InputNumbers"/>), the inner layer multiplies exactly these rounded values. Around a grid
/// of 4 or 8 bits by rows the products are sums of integers (<see cref="IntegerMatrix"/>).
/// </summary>
public sealed class QuantizedInputLinear : Linear
{
    private readonly IntegerMatrix? _integers;

    public QuantizedInputLinear(InputRounder input, Linear inner) : base(inner.Rows, inner.Columns)
    {
        (Input, Inner, Format) = (input, inner, new(input.Grid, inner.Format));
        _integers = (inner as GridLinear)?.Integers();
    }

    /// <summary>What rounds the input.</summary>
    public InputRounder Input { get; }

    /// <summary>The layer that reads the rounded input.</summary>
    public Linear Inner { get; }

    public override QuantizedInputFormat Format { get; }
    public override bool RoundsInput => true;
    public override long Bits => Inner.Bits + QuantizedInputFormat.RangeBits(Input.Grid);

    public override void Save(StoredTensors tensors)
    {
        tensors.Add("range", StoredTensor.FromValues("range", Input.Numbers, Input.Numbers.Length));
        Inner.Save(tensors.Under("inner"));
    }

    /// <summary>The weight, which rounding of the input leaves as it is.</summary>
    public override void DecodeRows(int first, int count, Span<float> rows) => Inner.DecodeRows(first, count, rows);

    public override Matrix<float> ToDense() => Inner.ToDense();

    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        if (_integers is not null)
        {
            _integers.Multiply(Input, x, y);
            return;
        }
        float[] rented = ArrayPool<float>.Shared.Rent(Columns);
        var rounded = rented.AsSpan(0, Columns);
        Input.Round(x, rounded);
        Inner.Apply(rounded, y);
        ArrayPool<float>.Shared.Return(rented);
    }

    public override void Apply(Matrix<float> x, Matrix<float> y)
    {
        if (_integers is not null) _integers.Multiply(Input, x, y);
        else Inner.Apply(Rounded(x), y);
    }

    /// <summary>Every row as the inner layer reads it.</summary>
    public Matrix<float> Rounded(Matrix<float> x)
    {
        var rounded = new Matrix<float>(x.Rows, x.Columns);
        Threads.For(x.Rows, t => Input.Round(x.Row(t), rounded.Row(t)));
        return rounded;
    }
}
