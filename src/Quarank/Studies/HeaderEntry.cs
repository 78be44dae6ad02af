using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Numerics;

namespace Quarank.Studies;

/// <summary>What the tensors of a compressed layer take in a file's header: a method with many small ones pays for it too.</summary>
internal static class HeaderEntry
{
    // Of an entry besides the name: type, shape, two offsets, with all their signs.
    private const int Frame = 72;
    private const int Rows = 128, Columns = 192;

    /// <summary>Entries of a layer with these tensors under its name.</summary>
    public static long Bytes(string layer, IReadOnlyList<string> tensors) => tensors.Sum(t => (long)layer.Length + 1 + t.Length + Frame);

    /// <summary>
    /// The tensors that a method stores for a layer: those of a small layer of random weights, compressed for the purpose.
    /// </summary>
    /// <returns>Null if the method cannot compress the small layer.</returns>
    public static IReadOnlyList<string>? TensorsOf(Method method)
    {
        const string name = "layer";
        var (random, weight, gram) = (new Random(1), new Matrix<float>(Rows, Columns), new Matrix<double>(Columns, Columns));
        foreach (ref float w in weight.Data) w = random.NextSingle() - 0.5f;
        for (int i = 0; i < Columns; i++) gram[i, i] = 1;
        LayerShape[] shape = [new(name, Rows, Columns)];
        try
        {
            var near = new[] { 4.0, 3, 2.5, 6, 8, 2 }.Select(bits => method.AtBitsPerWeight(bits, shape)).FirstOrDefault(m => m is not null) ?? method;
            var tensors = new StoredTensors();
            near.Fit(shape).Compress(new(name, weight, new(Columns, gram))).Save(tensors.Under(name));
            return [.. tensors.All.Select(t => t.Name[(name.Length + 1)..])];
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException)
        {
            return null;
        }
    }
}
