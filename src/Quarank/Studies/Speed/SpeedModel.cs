using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Models;

namespace Quarank.Studies.Speed;

/// <summary>What a model takes, in files and in every token that it generates.</summary>
/// <param name="Name">As the table calls it.</param>
/// <param name="Parameters">Numbers the model stands for, however they are stored; a tied head counts once.</param>
/// <param name="FileBytes">All weight files.</param>
/// <param name="BitsPerWeight">Of the compressed linear layers; of all when none is compressed.</param>
/// <param name="HeadBits">Bits per weight of the head.</param>
/// <param name="BytesPerToken">Stored bytes of all layers that one token is multiplied by, the head among them; the embedding's one row is not.</param>
/// <param name="OperationsPerToken">Multiplications and additions in the blocks' linear layers; a prompt needs the head only once.</param>
public sealed record SpeedModel(
    string Name, string Architecture, long Parameters, long FileBytes, double BitsPerWeight, double HeadBits, long BytesPerToken, double OperationsPerToken)
{
    /// <summary>Counts a loaded model.</summary>
    public static SpeedModel Of(string name, Checkpoint checkpoint, Model model)
    {
        List<Linear> layers = [.. model.Blocks.SelectMany(b => b.Projections).Select(p => p.Weight)];
        var head = model.Head.Table;
        long weights = layers.Sum(Weights);
        var compressed = layers.Where(l => l.Format is not DenseFormat).ToList();
        var counted = compressed.Count > 0 ? compressed : layers;
        var spec = model.Spec;
        long tables = Weights(model.Embedding.Table) + (spec.TiedHead ? 0 : Weights(head));
        long norms = (2L * spec.BlockCount + 1) * spec.HiddenSize, biases = model.Blocks.SelectMany(b => b.Projections).Sum(p => p.Bias?.Length ?? 0);
        return new(name, spec.Architecture, weights + tables + norms + biases, checkpoint.FileBytes,
            (double)counted.Sum(l => l.Bits) / counted.Sum(Weights), head.BitsPerWeight,
            layers.Append(head).Sum(l => l.Bits / 8), 2.0 * weights);
    }

    private static long Weights(Linear layer) => (long)layer.Rows * layer.Columns;
}
