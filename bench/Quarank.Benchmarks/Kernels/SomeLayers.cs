using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Layers;
using Quarank.Studies.Speed;

namespace Quarank.Benchmarks.Kernels;

/// <summary>Layers of any form filled with random codes.</summary>
internal static class SomeLayers
{
    public static Linear Load(string form, int rows, int columns, int seed)
    {
        var parsed = SyntheticForm.Parse(form);
        var shape = new LayerShape("layer", rows, columns);
        var format = parsed.Of(shape, [shape]);
        var tensors = new SyntheticLayer(parsed.Type, (ulong)seed).Tensors(shape.Name, format, rows, columns);
        return format.Load(new StoredTensors(tensors.ToDictionary(t => t.Name, StringComparer.Ordinal)).Under(shape.Name), rows, columns);
    }

    public static void Fill(Span<float> values)
    {
        var random = new Random(1);
        foreach (ref float v in values) v = random.NextSingle() - 0.5f;
    }
}
