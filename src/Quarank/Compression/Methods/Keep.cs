using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>Leaves a layer in 16-bit floats: for layers of a recipe that others compress, and a choice of allocations (ASVD's ratio 1).</summary>
/// <remarks>float16, or bfloat16 for weights beyond float16's largest number.</remarks>
public sealed record Keep : Method
{
    [JsonIgnore] public override Needs Needs => Needs.Nothing;

    public override void Validate()
    {
    }

    public override long PlannedBits(LayerShape layer) => 16L * layer.Rows * layer.Columns;

    internal override long WorkBytes(int rows, int columns) => 10L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        var (weights, halves) = (problem.Weight, new ushort[problem.Weight.Data.Length]);
        bool wide = weights.Data.Length > 0 && Math.Abs(TensorPrimitives.MaxMagnitude<float>(weights.Data)) > (float)Half.MaxValue;
        Threads.For(weights.Rows, i =>
        {
            var row = weights.Row(i);
            for (int j = 0; j < row.Length; j++)
                halves[i * row.Length + j] = wide ? RoundedBFloat16(row[j]) : BitConverter.HalfToUInt16Bits((Half)row[j]);
        });
        return new DenseLinear(weights.Rows, weights.Columns, wide ? ElementType.BF16 : ElementType.F16, halves);
    }

    // To nearest, ties to even; a float next to infinity stays finite.
    private static ushort RoundedBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value), rounded = bits + 0x7FFF + ((bits >> 16) & 1);
        return (ushort)(((rounded & 0x7F80_0000) == 0x7F80_0000 ? bits : rounded) >> 16);
    }
}
