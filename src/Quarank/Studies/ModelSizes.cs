using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>What a model's files take, compressed or not: bits per weight of the linear layers to bytes of the files and back.</summary>
internal sealed class ModelSizes
{
    // Where a form's tensors are not known: codes, scales and zero-points.
    private static readonly string[] Usual = ["codes", "scales", "zeros"];

    private readonly long _header;

    public ModelSizes(Checkpoint checkpoint, ModelSpec spec)
    {
        Shapes = Plan.Shapes(spec);
        Weights = Shapes.Sum(s => (long)s.Rows * s.Columns);
        var names = Shapes.Select(s => $"{s.Name}.weight").ToHashSet(StringComparer.Ordinal);
        var all = checkpoint.Tensors.All;
        LinearBytes = all.Where(t => names.Contains(t.Name)).Sum(t => t.ByteLength);
        KeptBytes = all.Where(t => !names.Contains(t.Name)).Sum(t => t.ByteLength);
        FileBytes = checkpoint.FileBytes;
        _header = FileBytes - LinearBytes - KeptBytes - Shapes.Sum(s => HeaderEntry.Bytes(s.Name, ["weight"]));
    }

    public IReadOnlyList<LayerShape> Shapes { get; }

    /// <summary>Numbers in the linear layers.</summary>
    public long Weights { get; }

    /// <summary>Of the linear layers' weights as they are now.</summary>
    public long LinearBytes { get; }

    /// <summary>Of all other tensors.</summary>
    public long KeptBytes { get; }

    /// <summary>Of all weight files.</summary>
    public long FileBytes { get; }

    /// <summary>Weight files whose linear layers take that many bits per weight as grids, whose headers are short.</summary>
    public long BytesAt(double bitsPerWeight) => Bytes(bitsPerWeight, Shapes.Sum(s => HeaderEntry.Bytes(s.Name, Usual)));

    /// <summary>The other way; not above zero when the files cannot be that small.</summary>
    public double BitsPerWeightAt(long bytes) => 8.0 * (bytes - BytesAt(0)) / Weights;

    /// <summary>Weight files of a recipe as it is written.</summary>
    /// <exception cref="InvalidDataException">It cannot be used on this model.</exception>
    public long BytesOf(Recipe recipe) => Bytes(BitsPerWeightOf(recipe), HeaderOf(recipe));

    /// <summary>What files of this size leave a recipe for its layers, its tensors' entries in the header paid.</summary>
    public double BitsPerWeightFor(Recipe recipe, long bytes) => 8.0 * (bytes - Bytes(0, HeaderOf(recipe))) / Weights;

    private long Bytes(double bitsPerWeight, long header) => KeptBytes + _header + header + (long)Math.Round(bitsPerWeight * Weights / 8);

    private long HeaderOf(Recipe recipe)
    {
        if (recipe is { Layers: null, Method: not ScaledMethod })
        {
            var names = HeaderEntry.TensorsOf(recipe.Method) ?? Usual;
            return Shapes.Sum(s => HeaderEntry.Bytes(s.Name, names));
        }
        var methods = Assignment.Of(recipe, Shapes);
        return Shapes.GroupBy(s => methods.Compressing(s.Name)).Sum(group =>
        {
            var names = HeaderEntry.TensorsOf(group.Key) ?? Usual;
            return group.Sum(s => HeaderEntry.Bytes(s.Name, names));
        });
    }

    /// <summary>Bits per weight that a recipe takes as it is written.</summary>
    /// <exception cref="InvalidDataException">It cannot be used on this model.</exception>
    public double BitsPerWeightOf(Recipe recipe)
    {
        var methods = Assignment.Of(recipe, Shapes);
        return (double)Shapes.Sum(s => methods.Compressing(s.Name).PlannedBits(s)) / Weights;
    }
}
