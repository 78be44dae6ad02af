using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>
/// One pre-norm decoder block: h += o(attention(q, k, v of norm h)); h += down(silu(gate) · up of norm h).
/// </summary>
public sealed class Block
{
    private readonly ModelSpec _spec;
    private readonly RmsNorm _attentionNorm, _mlpNorm;
    private readonly ForwardBuffers _buffers;
    private readonly Projection _query, _key, _value, _output, _gate, _up, _down;

    /// <param name="projections">In the order of <see cref="ModelSpec.Projections"/>.</param>
    internal Block(
        ModelSpec spec, int index, RmsNorm attentionNorm, RmsNorm mlpNorm, IReadOnlyList<Projection> projections, ForwardBuffers buffers)
    {
        (_spec, Index, _attentionNorm, _mlpNorm, Projections, _buffers) = (spec, index, attentionNorm, mlpNorm, projections, buffers);
        (_query, _key, _value, _output) = (projections[0], projections[1], projections[2], projections[3]);
        (_gate, _up, _down) = (projections[4], projections[5], projections[6]);
    }

    /// <summary>0 for the first block.</summary>
    public int Index { get; }

    /// <summary>The linear layers, in the order in which they run: q, k, v, o, gate, up, down.</summary>
    public IReadOnlyList<Projection> Projections { get; }

    /// <summary>Runs one whole sequence from position 0, in place.</summary>
    /// <param name="hidden">tokens × HiddenSize.</param>
    /// <param name="observe">Called once per input site, before the site's layers run.</param>
    /// <param name="buffers">Own buffers let several sequences run through the block at once; null takes the block's.</param>
    public void Forward(Matrix<float> hidden, ActivationObserver? observe = null, ForwardBuffers? buffers = null)
    {
        buffers ??= _buffers;
        Run(hidden, buffers.Cache, 0, buffers, observe);
        FinishMlp(hidden, buffers);
    }

    /// <summary>As <see cref="Forward"/>, for the rows of several sequences; see <see cref="Model.Forward(ReadOnlySpan{int}, IReadOnlyList{SequencePart})"/>.</summary>
    internal void ForwardParts(Matrix<float> hidden, IReadOnlyList<SequencePart> parts)
    {
        _buffers.Parts = parts;
        try
        {
            Forward(hidden);
        }
        finally
        {
            _buffers.Parts = null;
        }
    }

    /// <summary>Shows <paramref name="observe"/> what <see cref="Forward"/> would, leaves hidden as it was and spares the last product.</summary>
    /// <param name="hidden">tokens × HiddenSize.</param>
    /// <param name="observe">Called once per input site, before the site's layers run.</param>
    /// <param name="buffers">As in <see cref="Forward"/>.</param>
    public void Observe(Matrix<float> hidden, ActivationObserver observe, ForwardBuffers? buffers = null)
    {
        buffers ??= _buffers;
        buffers.Fit(hidden.Rows);
        Run(buffers.Copy(hidden), buffers.Cache, 0, buffers, observe);
    }

    /// <summary>Goes on with a sequence whose first <paramref name="start"/> positions are in the cache.</summary>
    internal void Continue(Matrix<float> hidden, KeyValueCache cache, int start, ForwardBuffers buffers)
    {
        Run(hidden, cache, start, buffers, null);
        FinishMlp(hidden, buffers);
    }

    /// <summary>Everything but the down projection, whose input is left in Gate.</summary>
    private void Run(Matrix<float> hidden, KeyValueCache cache, int start, ForwardBuffers b, ActivationObserver? observe)
    {
        if (hidden.Columns != _spec.HiddenSize)
            throw new ArgumentException($"Hidden states have {hidden.Columns} features; the model has {_spec.HiddenSize}.", nameof(hidden));
        _spec.CheckContext(b.Parts?.Max(p => p.End) ?? start + hidden.Rows);
        b.Fit(hidden.Rows);

        _attentionNorm.Apply(hidden, b.Normed);
        observe?.Invoke(InputSite.Attention, b.Normed);
        _query.Apply(b.Normed, b.Query);
        _key.Apply(b.Normed, b.Key);
        _value.Apply(b.Normed, b.Value);
        if (b.Parts is null) b.Attention.Run(b.Query, b.Key, b.Value, cache, start, b.Attended);
        else b.Attention.RunParts(b.Parts, b.Query, b.Key, b.Value, cache, b.Attended);
        observe?.Invoke(InputSite.AttentionOutput, b.Attended);
        _output.Apply(b.Attended, b.Projected);
        RowWise.Add(hidden, b.Projected);

        _mlpNorm.Apply(hidden, b.Normed);
        observe?.Invoke(InputSite.Mlp, b.Normed);
        _gate.Apply(b.Normed, b.Gate);
        _up.Apply(b.Normed, b.Up);
        RowWise.SiluMultiply(b.Gate, b.Up);
        observe?.Invoke(InputSite.MlpOutput, b.Gate);
    }

    private void FinishMlp(Matrix<float> hidden, ForwardBuffers b)
    {
        _down.Apply(b.Gate, b.Projected);
        RowWise.Add(hidden, b.Projected);
    }
}
