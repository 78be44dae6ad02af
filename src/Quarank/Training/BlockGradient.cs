using System.Numerics;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Training;

/// <summary>
/// One decoder block that can be run backward: reverse mode written by hand over the parts that a <see cref="Block"/> is made of. Written
/// once for float, in which it is trained, and double, in which it is checked. A forward pass keeps what the backward pass needs,
/// <see cref="KeptBytes"/>; attention weights are made anew. Results do not depend on the number of threads.
/// </summary>
internal sealed class BlockGradient<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly ModelSpec _spec;
    private readonly ResidualPart<T> _aroundAttention, _aroundFeedForward;
    private readonly AttentionPart<T> _attention;
    private readonly FeedForwardPart<T> _feedForward;
    private readonly LinearPart<T>[] _linear;

    /// <summary>Copies the block's numbers.</summary>
    public BlockGradient(ModelSpec spec, Block block)
    {
        if (spec.Rotation is { Values: true } or { Down: true } or { Keys: true })
            throw new NotSupportedException("No gradient is known of a model that turns values, inner vectors or keys while it runs (quarank.rotation); learn its rounding before it is rotated.");
        _spec = spec;
        Weights = [.. block.Projections.Select(p => Parameter<T>.Of($"{p.Name}.weight", p.Weight.ToDense()))];
        Biases = [.. block.Projections.Select(p => Parameter<T>.Of($"{p.Name}.bias", p.Bias))];
        _linear = [.. block.Projections.Select((p, i) => new LinearPart<T>(Weights[i], Biases[i]))];
        LinearPart<T>[] At(SitePlace place, int? expert = null) => [.. _linear.Where((_, i) => block.Projections[i].Site == new InputSite(place, expert))];
        MlpPart<T> Mlp(int? expert) => new(spec, At(SitePlace.Mlp, expert), At(SitePlace.MlpOutput, expert)[0]);

        _aroundAttention = new(block.AroundAttention, "attention");
        _attention = new(spec, block.Attention.Traits, At(SitePlace.Attention), At(SitePlace.AttentionOutput)[0]);
        _aroundFeedForward = new(block.AroundFeedForward, "feed-forward");
        _feedForward = block.FeedForward is not Experts all ? Mlp(null)
            : new ExpertsPart<T>(spec, Parameter<T>.Of("router.weight", all.Router.ToDense()), [.. Enumerable.Range(0, spec.ExpertCount).Select(e => Mlp(e))])
            {
                OfExpert = [.. Enumerable.Range(0, spec.ExpertCount).Select(e => OfExpert(block, e))],
            };
    }

    /// <summary>The weights of the block's projections, in their order.</summary>
    public IReadOnlyList<Parameter<T>> Weights { get; }

    /// <summary>Their biases; null where there is none.</summary>
    public IReadOnlyList<Parameter<T>?> Biases { get; }

    /// <summary>Gains and shifts of all norms, and the router.</summary>
    public IEnumerable<Parameter<T>> Others =>
        [.. _aroundAttention.Parameters, .. _attention.Parameters, .. _aroundFeedForward.Parameters, .. _feedForward.Parameters];

    /// <summary>What both passes keep, in bytes: about fourteen matrices of the hidden width, eight of the queries', eight of keys' or values' and seven of the feed-forward width.</summary>
    /// <param name="rounded">Layers read their inputs rounded.</param>
    public static long KeptBytes(ModelSpec spec, long tokens, bool rounded = false) => tokens * System.Runtime.CompilerServices.Unsafe.SizeOf<T>()
        * ((rounded ? 19L : 14L) * spec.HiddenSize + (rounded ? 9L : 8L) * spec.QuerySize + 8L * spec.KeyValueSize
            + Math.Max(1, spec.ExpertsPerToken) * ((spec.FusedProjections ? 11L : 8L) + (rounded ? 1L : 0L)) * spec.IntermediateSize);

    /// <summary>From now on a projection reads its input rounded; gradients pass as if it were not, but for what lies beyond the range.</summary>
    public void RoundInput(int projection, InputRounder rounder) => _linear[projection].Input = rounder;

    /// <summary>Runs sequences of one length from position 0.</summary>
    /// <param name="hidden">sequences · length × HiddenSize; must stay as it is until <see cref="Backward"/>.</param>
    /// <returns>What leaves the block; overwritten by the next pass.</returns>
    public Matrix<T> Forward(Matrix<T> hidden, int sequences)
    {
        if (hidden.Columns != _spec.HiddenSize || sequences < 1 || hidden.Rows % sequences != 0)
            throw new ArgumentException($"{sequences} sequences cannot be {hidden.Rows}x{hidden.Columns} states of a model of width {_spec.HiddenSize}.", nameof(hidden));
        _spec.CheckContext(hidden.Rows / sequences);
        var middle = _aroundAttention.Leave(hidden, _attention.Forward(_aroundAttention.Enter(hidden), sequences));
        return _aroundFeedForward.Leave(middle, _feedForward.Forward(_aroundFeedForward.Enter(middle)));
    }

    /// <summary>Fills the gradients of all parameters that want one.</summary>
    /// <param name="dy">The loss by what <see cref="Forward"/> returned.</param>
    /// <returns>The loss by <c>hidden</c>; overwritten by the next pass.</returns>
    public Matrix<T> Backward(Matrix<T> dy)
    {
        var middle = _aroundFeedForward.BackwardOfEnter(_feedForward.Backward(_aroundFeedForward.BackwardOfLeave(dy)));
        return _aroundAttention.BackwardOfEnter(_attention.Backward(_aroundAttention.BackwardOfLeave(middle)));
    }

    private Parameter<T>[] OfExpert(Block block, int expert) => [.. block.Projections.Select((p, i) => (p.Site, Index: i))
        .Where(p => p.Site.Expert == expert).SelectMany(p => new[] { Weights[p.Index], Biases[p.Index] }).OfType<Parameter<T>>()];
}
