using System.Text.Json.Serialization;
using Quarank.Layers;

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

    public override Linear Compress(LayerProblem problem) => DenseLinear.InHalves(problem.Weight);
}
