using Quarank.Models;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Studies.Speed;

/// <summary>The attention of a model's blocks, from rotated queries to attended values, over caches of its own and without the products around it.</summary>
internal sealed class AttentionAlone
{
    private readonly ModelSpec _spec;
    private readonly KeyValueCache[] _caches;
    private readonly Attention _attention;
    private readonly Matrix<float> _query, _key, _value, _attended;

    /// <param name="blocks">How many blocks' caches.</param>
    /// <param name="tokens">How many tokens at once.</param>
    public AttentionAlone(ModelSpec spec, int blocks, int tokens, CacheNumbers numbers)
    {
        (_spec, _attention) = (spec, new Attention(spec));
        _caches = [.. Enumerable.Range(0, blocks).Select(_ => new KeyValueCache(spec, numbers))];
        (_query, _attended) = (new(tokens, spec.QuerySize), new(tokens, spec.QuerySize));
        (_key, _value) = (new(tokens, spec.KeyValueSize), new(tokens, spec.KeyValueSize));
        var random = new Random(1);
        foreach (var m in new[] { _query, _key, _value })
            foreach (ref float v in m.Data) v = random.NextSingle() - 0.5f;
    }

    /// <summary>In every block, the tokens from this position on; those before must have been run.</summary>
    public void Run(int position)
    {
        int tokens = _query.Rows;
        for (int i = 0; i < _caches.Length; i++)
            _attention.Run(new(new(_query, 0), new(_key, 0), new(_value, 0), new(_spec.WindowOf(i), null, null), _caches[i], position, position + tokens, 0, tokens), _attended);
    }
}
