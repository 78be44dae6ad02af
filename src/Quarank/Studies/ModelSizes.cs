using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>What a model's files take, compressed or not: bits per weight of the linear layers to bytes of the files and back.</summary>
internal sealed class ModelSizes
{
    // A compressed layer has up to six tensors; each takes its name and about this many characters in the file's header.
    private const int TensorsPerLayer = 6, HeaderEntry = 80;
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
        _header = FileBytes - LinearBytes - KeptBytes
            + Shapes.Sum(s => (TensorsPerLayer - 1) * (long)(s.Name.Length + HeaderEntry));
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

    /// <summary>Weight files whose linear layers take that many bits per weight; the header as of a method with many
    /// tensors.</summary>
    public long BytesAt(double bitsPerWeight) => KeptBytes + _header + (long)Math.Round(bitsPerWeight * Weights / 8);

    /// <summary>The other way; not above zero when the files cannot be that small.</summary>
    public double BitsPerWeightAt(long bytes) => 8.0 * (bytes - KeptBytes - _header) / Weights;

    /// <summary>Bits per weight that a recipe takes as it is written.</summary>
    /// <exception cref="InvalidDataException">It cannot be used on this model.</exception>
    public double BitsPerWeightOf(Recipe recipe)
    {
        var methods = Assignment.Of(recipe, Shapes);
        return (double)Shapes.Sum(s => methods[s.Name].PlannedBits(s)) / Weights;
    }
}
