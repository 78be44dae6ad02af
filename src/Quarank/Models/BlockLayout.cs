namespace Quarank.Models;

/// <summary>The linear layers of a block: names, places and sizes, as the switches of a <see cref="ModelSpec"/> have them.</summary>
internal static class BlockLayout
{
    public static IReadOnlyList<ProjectionSpec> Projections(ModelSpec spec, int block)
    {
        string name = spec.Names.Block(block);
        return [.. Attention(spec, $"{name}.{spec.Names.Attention}"), .. FeedForward(spec, $"{name}.{spec.Names.Mlp}")];
    }

    private static IEnumerable<ProjectionSpec> Attention(ModelSpec spec, string name)
    {
        bool bias = spec.QueryKeyValueBias;
        if (spec.FusedProjections)
        {
            yield return new($"{name}qkv_proj", InputSite.Attention, spec.QuerySize + 2 * spec.KeyValueSize, spec.HiddenSize, bias);
        }
        else
        {
            yield return new($"{name}q_proj", InputSite.Attention, spec.QuerySize, spec.HiddenSize, bias);
            yield return new($"{name}k_proj", InputSite.Attention, spec.KeyValueSize, spec.HiddenSize, bias);
            yield return new($"{name}v_proj", InputSite.Attention, spec.KeyValueSize, spec.HiddenSize, bias);
        }
        yield return new($"{name}{spec.Names.AttentionOutput}", InputSite.AttentionOutput, spec.HiddenSize, spec.QuerySize, spec.AttentionOutputBias);
    }

    private static IEnumerable<ProjectionSpec> FeedForward(ModelSpec spec, string name) => spec.ExpertCount == 0
        ? Mlp(spec, name, null)
        : Enumerable.Range(0, spec.ExpertCount).SelectMany(e => Mlp(spec, $"{name}{TensorNames.Expert(e)}", e));

    private static IEnumerable<ProjectionSpec> Mlp(ModelSpec spec, string name, int? expert)
    {
        InputSite input = new(SitePlace.Mlp, expert), output = new(SitePlace.MlpOutput, expert);
        var names = spec.Names;
        if (spec.FusedProjections)
        {
            yield return new($"{name}gate_up_proj", input, 2 * spec.IntermediateSize, spec.HiddenSize, spec.MlpBias);
        }
        else
        {
            if (spec.GatedMlp) yield return new($"{name}{names.Gate}", input, spec.IntermediateSize, spec.HiddenSize, spec.MlpBias);
            yield return new($"{name}{names.Up}", input, spec.IntermediateSize, spec.HiddenSize, spec.MlpBias);
        }
        yield return new($"{name}{names.Down}", output, spec.HiddenSize, spec.IntermediateSize, spec.MlpBias);
    }
}
