namespace Quarank.Models.Scaling;

/// <summary>
/// Where factors of an input site's channels go when they are taken out of the operation before it: that operation's outputs are divided by
/// them, the columns of the site's layers multiplied, and the model's function stays what it was.
/// </summary>
/// <param name="Site">The site whose channels are scaled.</param>
/// <param name="Target">What is divided: a norm, or a projection (names as in the checkpoint, without <c>.weight</c>).</param>
/// <param name="IsNorm">Whether it is a norm's gain and shift; else rows of a projection, and their biases.</param>
/// <param name="FirstRow">Of the projection: the row that the first factor divides.</param>
/// <param name="FactorOf">
/// Which factor each channel of the site takes. Channels that come from one row share one: with grouped queries every query head that reads
/// a value head.
/// </param>
public sealed record ScaleFold(InputSite Site, string Target, bool IsNorm, int FirstRow, IReadOnlyList<int> FactorOf)
{
    /// <summary>How many factors there are.</summary>
    public int FactorCount { get; } = FactorOf.Max() + 1;

    /// <summary>A factor for each channel, from those of the fold.</summary>
    public float[] OfChannels(IReadOnlyList<float> factors) => [.. FactorOf.Select(f => factors[f])];

    /// <summary>The place for a site's factors; null where the operation before it cannot take any, with the reason.</summary>
    public static (ScaleFold? Fold, string? Refusal) Of(ModelSpec spec, int block, InputSite site)
    {
        ArgumentNullException.ThrowIfNull(spec);
        string name = spec.Names.Block(block);
        return site.Place switch
        {
            SitePlace.Attention => OfNorm(spec, site, $"{name}.{spec.Names.AttentionNorm}"),
            SitePlace.AttentionOutput => OfValues(spec, block, site),
            SitePlace.Mlp when spec.ExpertCount > 0 => (null, "the router reads what the experts read"),
            SitePlace.Mlp => OfNorm(spec, site, $"{name}.{spec.Names.MlpNorm}"),
            _ => OfUp(spec, block, site),
        };
    }

    private static (ScaleFold?, string?) OfNorm(ModelSpec spec, InputSite site, string norm)
    {
        if (spec.NormPlacement == NormPlacement.AfterSum) return (null, "no norm stands before it");
        return spec.NormWeights ? (new(site, norm, true, 0, Each(spec.HiddenSize)), null) : (null, "the norm before it has no weights");
    }

    // softmax(…) v is linear in v, so what is taken off a row of v is missing from that channel of every head that reads it.
    private static (ScaleFold?, string?) OfValues(ModelSpec spec, int block, InputSite site)
    {
        var inputs = At(spec, block, InputSite.Attention);
        int[] factorOf = [.. Enumerable.Range(0, spec.QuerySize).Select(j => j / spec.HeadSize / spec.HeadsPerGroup * spec.HeadSize + j % spec.HeadSize)];
        return (new(site, inputs[^1].Name, false, inputs[^1].Rows - spec.KeyValueSize, factorOf), null);
    }

    // f(gate) · up is linear in up; without a gate only relu passes positive factors on.
    private static (ScaleFold?, string?) OfUp(ModelSpec spec, int block, InputSite site)
    {
        if (!spec.GatedMlp && spec.Activation != Activation.Relu) return (null, "its activation function does not pass factors on");
        var up = At(spec, block, new(SitePlace.Mlp, site.Expert))[^1];
        return (new(site, up.Name, false, up.Rows - spec.IntermediateSize, Each(spec.IntermediateSize)), null);
    }

    private static ProjectionSpec[] At(ModelSpec spec, int block, InputSite site) => [.. spec.Projections(block).Where(p => p.Site == site)];

    private static int[] Each(int count) => [.. Enumerable.Range(0, count)];
}
