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
/// <param name="BytesPerToken">Stored bytes of all layers that one token is multiplied by, the head among them; the embedding's one row is not. Of a choice
/// of experts, the mean of as many as a token passes through.</param>
/// <param name="OperationsPerToken">Multiplications and additions in the blocks' linear layers; a prompt needs the head only once.</param>
public sealed record SpeedModel(
    string Name, string Architecture, long Parameters, long FileBytes, double BitsPerWeight, double HeadBits, long BytesPerToken, double OperationsPerToken)
{
    /// <summary>Counts a loaded model.</summary>
    public static SpeedModel Of(string name, Checkpoint checkpoint, Model model)
    {
        var projections = model.Blocks.SelectMany(b => b.Projections).ToList();
        var spec = ModelSpec.Of(checkpoint);
        var (head, embedding) = (model.Head.Table, model.Embedding.Table);
        var compressed = projections.Where(p => p.Weight.Format is not DenseFormat).ToList();
        var counted = (compressed.Count > 0 ? compressed : projections).Select(p => p.Weight).ToList();

        HashSet<string> tables = [.. projections.Select(p => p.Name), spec.Names.Head, spec.Names.Embedding];
        long others = checkpoint.Tensors.All.Where(t => !IsPartOf(t.Name, tables)).Sum(t => t.Count);
        long parameters = projections.Sum(p => Weights(p.Weight)) + Weights(embedding) + (spec.TiedHead ? 0 : Weights(head)) + others;
        return new(name, spec.Architecture, parameters, checkpoint.FileBytes, (double)counted.Sum(l => l.Bits) / counted.Sum(Weights), head.BitsPerWeight,
            (long)projections.Sum(p => Share(p.Spec, spec) * p.Weight.Bits / 8) + head.Bits / 8,
            2 * projections.Sum(p => Share(p.Spec, spec) * Weights(p.Weight)));
    }

    /// <summary>Whether a layer is one of as many as a token passes through, which of a choice of experts are the first.</summary>
    internal static bool IsPassed(ProjectionSpec place, ModelSpec spec) => place.Site.Expert is null || place.Site.Expert < spec.ExpertsPerToken;

    private static double Share(ProjectionSpec place, ModelSpec spec) => place.Site.Expert is null ? 1 : (double)spec.ExpertsPerToken / spec.ExpertCount;

    // A bias is a parameter of its own.
    private static bool IsPartOf(string tensor, HashSet<string> layers)
    {
        for (int dot = tensor.LastIndexOf('.'); dot > 0; dot = tensor.LastIndexOf('.', dot - 1))
            if (layers.Contains(tensor[..dot])) return tensor[dot..] != ".bias";
        return false;
    }

    private static long Weights(Linear layer) => (long)layer.Rows * layer.Columns;
}
