using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>One decoder block: attention, then a feed-forward part, each added to the states and with its norms around it.</summary>
public sealed class Block
{
    private readonly ModelSpec _spec;
    private readonly SelfAttention _attention;
    private readonly FeedForward _feedForward;
    private readonly Residual _aroundAttention, _aroundFeedForward;
    private readonly ForwardBuffers _buffers;

    /// <param name="projections">In the order of <see cref="ModelSpec.Projections"/>.</param>
    internal Block(
        ModelSpec spec, int index, IReadOnlyList<Projection> projections, SelfAttention attention, Residual aroundAttention,
        FeedForward feedForward, Residual aroundFeedForward, ForwardBuffers buffers)
    {
        (_spec, Index, Projections, _buffers) = (spec, index, projections, buffers);
        (_attention, _aroundAttention, _feedForward, _aroundFeedForward) = (attention, aroundAttention, feedForward, aroundFeedForward);
    }

    /// <summary>0 for the first block.</summary>
    public int Index { get; }

    /// <summary>The linear layers that may be compressed, in the order of <see cref="ModelSpec.Projections"/>.</summary>
    public IReadOnlyList<Projection> Projections { get; }

    /// <summary>The first half.</summary>
    internal SelfAttention Attention => _attention;

    /// <summary>The second half.</summary>
    internal FeedForward FeedForward => _feedForward;

    /// <summary>The norms around the first half.</summary>
    internal Residual AroundAttention => _aroundAttention;

    /// <summary>The norms around the second half.</summary>
    internal Residual AroundFeedForward => _aroundFeedForward;

    /// <summary>Runs one whole sequence from position 0, in place.</summary>
    /// <param name="hidden">tokens × HiddenSize.</param>
    /// <param name="observe">Called once per input site that is reached, before the site's layers run.</param>
    /// <param name="buffers">Own buffers let several sequences run through the block at once; null takes the block's.</param>
    public void Forward(Matrix<float> hidden, ActivationObserver? observe = null, ForwardBuffers? buffers = null)
    {
        buffers ??= _buffers;
        Run(hidden, buffers.Cache, 0, buffers.Parts?.Max(p => p.End) ?? hidden.Rows, buffers, observe, needed: true);
    }

    /// <summary>As <see cref="Forward"/>, for the rows of several sequences; see <see cref="Model.Forward(ReadOnlySpan{int}, IReadOnlyList{SequencePart})"/>.</summary>
    internal void ForwardParts(Matrix<float> hidden, IReadOnlyList<SequencePart> parts, ForwardBuffers buffers)
    {
        buffers.Parts = parts;
        try
        {
            Forward(hidden, buffers: buffers);
        }
        finally
        {
            buffers.Parts = null;
        }
    }

    /// <summary>Shows <paramref name="observe"/> what <see cref="Forward"/> would, leaves hidden as it was and spares the last product.</summary>
    /// <param name="hidden">tokens × HiddenSize.</param>
    /// <param name="observe">Called once per input site that is reached, before the site's layers run.</param>
    /// <param name="buffers">As in <see cref="Forward"/>.</param>
    public void Observe(Matrix<float> hidden, ActivationObserver observe, ForwardBuffers? buffers = null)
    {
        buffers ??= _buffers;
        Run(buffers.Copy(hidden), buffers.Cache, 0, hidden.Rows, buffers, observe, needed: false);
    }

    /// <summary>Shows what experts would read if every token of a sequence were sent to them; hidden is left as it was.</summary>
    /// <exception cref="InvalidOperationException">The block has no experts.</exception>
    internal void ShowExperts(Matrix<float> hidden, IEnumerable<int> experts, ActivationObserver observe, ForwardBuffers buffers)
    {
        if (_feedForward is not Experts all) throw new InvalidOperationException($"Block {Index} has no experts.");
        var states = buffers.Copy(hidden);
        Attend(states, buffers.Cache, 0, hidden.Rows, buffers, null);
        all.Show(_aroundFeedForward.Enter(states, buffers.Normed), experts, buffers, observe);
    }

    /// <summary>Goes on with a sequence whose first <paramref name="start"/> positions are in the cache.</summary>
    /// <param name="length">Of the text that is being read, which ends at the last of these tokens or later.</param>
    internal void Continue(Matrix<float> hidden, KeyValueCache cache, int start, int length, ForwardBuffers buffers) =>
        Run(hidden, cache, start, length, buffers, null, needed: true);

    private void Run(Matrix<float> hidden, KeyValueCache cache, int start, int length, ForwardBuffers b, ActivationObserver? observe, bool needed)
    {
        Attend(hidden, cache, start, length, b, observe);
        _feedForward.Run(_aroundFeedForward.Enter(hidden, b.Normed), b, observe, needed);
        if (needed) _aroundFeedForward.Leave(hidden, b.Projected);
    }

    /// <summary>The first half.</summary>
    private void Attend(Matrix<float> hidden, KeyValueCache cache, int start, int length, ForwardBuffers b, ActivationObserver? observe)
    {
        if (hidden.Columns != _spec.HiddenSize)
            throw new ArgumentException($"Hidden states have {hidden.Columns} features; the model has {_spec.HiddenSize}.", nameof(hidden));
        _spec.CheckContext(length);
        b.Fit(hidden.Rows);

        _attention.Run(_aroundAttention.Enter(hidden, b.Normed), cache, start, length, b, observe);
        _aroundAttention.Leave(hidden, b.Projected);
    }
}
