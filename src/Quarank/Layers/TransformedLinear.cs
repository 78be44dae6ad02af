using System.Buffers;
using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Numerics;
using Quarank.Numerics.Hadamard;

namespace Quarank.Layers;

/// <summary>W = Uᵀ Ŵ V: a layer in rotated coordinates under <c>inner</c>, the rotations of inputs and outputs as one <c>seed</c>.</summary>
/// <param name="Rotation">What the seed is of.</param>
public sealed record TransformedFormat(
    LinearFormat Inner, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] RotationKind Rotation = RotationKind.Hadamard) : LinearFormat
{
    /// <summary>What a rotation costs in a file.</summary>
    public const int SeedBits = 32;

    public override Linear Load(StoredTensors tensors, int rows, int columns)
    {
        var seed = tensors["seed"];
        return seed.Type == ElementType.I32 && seed.Count == 1
            ? new TransformedLinear(Inner.Load(tensors.Under("inner"), rows, columns), seed.ReadArray<int>()[0], Rotation)
            : throw new InvalidDataException($"{seed.Name}: a rotation has one I32 seed, found {seed.Count} of {seed.Type}.");
    }

    public override string? WithoutKernel(int rows, int columns) => Inner.WithoutKernel(rows, columns);
}

/// <summary>
/// A layer whose inputs are rotated by V before it and whose outputs by Uᵀ after it, each made from the seed (<see cref="SeededRotation"/>): what an
/// incoherent method returns. With Hadamard matrices both cost n log n.
/// </summary>
public sealed class TransformedLinear : NestedLinear
{
    private readonly Linear _inner;
    private readonly int _seed;
    private readonly SeededRotation _inputs, _outputs;

    public TransformedLinear(Linear inner, int seed, RotationKind rotation = RotationKind.Hadamard) : base(inner.Rows, inner.Columns)
    {
        (_inner, _seed, Format) = (inner, seed, new(inner.Format, rotation));
        (_inputs, _outputs) = (InputRotation(inner.Columns, seed, rotation), OutputRotation(inner.Rows, seed, rotation));
    }

    /// <summary>V of a seed.</summary>
    public static SeededRotation InputRotation(int columns, int seed, RotationKind rotation = RotationKind.Hadamard) => Rotation(columns, 2L * seed, rotation);

    /// <summary>U of a seed; drawn from another one than V is.</summary>
    public static SeededRotation OutputRotation(int rows, int seed, RotationKind rotation = RotationKind.Hadamard) => Rotation(rows, 2L * seed + 1, rotation);

    private static SeededRotation Rotation(int size, long seed, RotationKind rotation) => rotation switch
    {
        RotationKind.Hadamard => new SignedHadamard(size, seed),
        RotationKind.Kronecker => new KroneckerRotation(size, seed),
        _ => throw new NotSupportedException($"There are rotations by hadamard and kronecker matrices, not {rotation}."),
    };

    /// <summary>V.</summary>
    internal SeededRotation Inputs => _inputs;

    /// <summary>U.</summary>
    internal SeededRotation Outputs => _outputs;

    /// <summary>Another layer in the same coordinates.</summary>
    internal TransformedLinear Around(Linear inner) => new(inner, _seed, Format.Rotation);

    public override TransformedFormat Format { get; }

    /// <summary>The layer in rotated coordinates.</summary>
    internal Linear Inner => _inner;

    public override bool RoundsInput => _inner.RoundsInput;
    public override long Bits => _inner.Bits + TransformedFormat.SeedBits;

    public override void Save(StoredTensors tensors)
    {
        tensors.Add("seed", StoredTensor.FromValues("seed", new[] { _seed }, 1));
        _inner.Save(tensors.Under("inner"));
    }

    // A row is a sum of all rows of the inner layer.
    public override void DecodeRows(int first, int count, Span<float> rows) => ToDense().RowRange(first, count).CopyTo(rows);

    public override Matrix<float> ToDense() => Incoherence.TurnBack(_inner.ToDense(), _outputs, _inputs);

    private protected override void Run(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(Columns);
        var turned = rented.AsSpan(0, Columns);
        x.CopyTo(turned);
        _inputs.Forward(turned);
        _inner.Apply(turned, y, numbers);
        _outputs.Backward(y);
        ArrayPool<float>.Shared.Return(rented);
    }

    private protected override void Run(Matrix<float> x, Matrix<float> y, InputNumbers numbers)
    {
        var turned = x.Clone();
        _inputs.ForwardRows(turned);
        _inner.Apply(turned, y, numbers);
        _outputs.BackwardRows(y);
    }
}
