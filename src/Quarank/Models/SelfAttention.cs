using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>The attention half of one block: projections to queries, keys and values, soft-max attention, the output projection.</summary>
internal sealed class SelfAttention
{
    private readonly ModelSpec _spec;
    private readonly Projection[] _inputs;     // q, k, v; or one that holds all three
    private readonly Projection _output;
    private readonly AttentionTraits _traits;
    private readonly OnlineRotation _rotation;

    /// <param name="inputs">q, k and v, or one that holds all three.</param>
    public SelfAttention(ModelSpec spec, Projection[] inputs, Projection output, AttentionTraits traits) =>
        (_spec, _inputs, _output, _traits, _rotation) = (spec, inputs, output, traits, new(spec));

    public AttentionTraits Traits => _traits;

    /// <summary>Leaves the half's result in <see cref="ForwardBuffers.Projected"/>.</summary>
    /// <param name="x">tokens × HiddenSize.</param>
    /// <param name="cache">Holds positions 0 … start − 1, and afterwards those of x too.</param>
    /// <param name="length">Of the text that is being read, which ends at the last token of x or later.</param>
    public void Run(Matrix<float> x, KeyValueCache cache, int start, int length, ForwardBuffers b, ActivationObserver? observe)
    {
        observe?.Invoke(InputSite.Attention, x);
        HeadRows query, key, value;
        if (_inputs is [var all])
        {
            all.Apply(x, b.Query, b.Inputs);
            (query, key, value) = (new(b.Query, 0), new(b.Query, _spec.QuerySize), new(b.Query, _spec.QuerySize + _spec.KeyValueSize));
        }
        else
        {
            Projection.Apply(_inputs[0], _inputs[1], _inputs[2], x, b.Query, b.Key, b.Value, b.Inputs);
            (query, key, value) = (new(b.Query, 0), new(b.Key, 0), new(b.Value, 0));
        }
        if (b.Parts is null) b.Attention.Run(new(query, key, value, _traits, cache, start, length, 0, x.Rows), b.Attended);
        else RunParts(new(query, key, value, _traits, cache, 0, length, 0, 0), b.Parts, b);
        _rotation.Attended(b.Attended);
        observe?.Invoke(InputSite.AttentionOutput, b.Attended);
        _output.Apply(b.Attended, b.Projected, b.Inputs);
    }

    /// <summary>Part by part: a part overwrites what the cache holds from its start on.</summary>
    private static void RunParts(in AttentionCall all, IReadOnlyList<SequencePart> parts, ForwardBuffers b)
    {
        int row = 0;
        foreach (var (start, count) in parts)
        {
            b.Attention.Run(all with { Start = start, Row = row, Tokens = count }, b.Attended);
            row += count;
        }
    }
}
