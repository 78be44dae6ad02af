using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>
/// One growing text: the keys and values of all blocks and the buffers of a single token. Sessions of one model share only
/// its weights. Not for two threads at once.
/// </summary>
public sealed class Session
{
    /// <summary>Longer prompts are read in pieces, which bounds their intermediate matrices.</summary>
    private const int PromptPiece = 512;

    private readonly Model _model;
    private readonly KeyValueCache[] _caches;
    private readonly ForwardBuffers _buffers;
    private readonly Matrix<float> _hidden;
    private readonly float[] _logits;

    internal Session(Model model)
    {
        _model = model;
        _caches = [.. model.Blocks.Select(_ => new KeyValueCache(model.Spec))];
        _buffers = new ForwardBuffers(model.Spec);
        _hidden = new Matrix<float>(1, model.Spec.HiddenSize);
        _logits = new float[model.Spec.VocabularySize];
    }

    /// <summary>The tokens read so far.</summary>
    public int Position { get; private set; }

    /// <summary>Bytes that the keys and values take.</summary>
    public long CacheBytes => _caches.Sum(c => c.Bytes);

    /// <summary>Reads tokens and returns the logits after the last of them, valid until the next call.</summary>
    /// <exception cref="ArgumentException">No tokens, more than the context holds, or an id out of the vocabulary; nothing was read then.</exception>
    public ReadOnlySpan<float> Append(ReadOnlySpan<int> ids)
    {
        if (ids.IsEmpty) throw new ArgumentException("There must be at least one token.", nameof(ids));
        _model.Spec.CheckContext(Position + ids.Length);
        _model.Embedding.Check(ids);

        if (ids.Length > 1) ReadPrompt(ids[..^1]);
        return Step(ids[^1]);
    }

    /// <summary>Reads one token and returns the logits after it, valid until the next call. Allocates nothing but, now and then, room for more keys.</summary>
    /// <exception cref="ArgumentException">The context is full, or the id is not in the vocabulary.</exception>
    public ReadOnlySpan<float> Step(int id)
    {
        _model.Embedding.Apply([id], _hidden);
        Read(_hidden, _buffers);
        _model.Head.Norm.Apply(_hidden, _hidden);
        _model.Head.Logits(_hidden.Row(0), _logits);
        return _logits;
    }

    private void ReadPrompt(ReadOnlySpan<int> ids)
    {
        var buffers = new ForwardBuffers(_model.Spec);   // large, and only needed here
        for (int first = 0; first < ids.Length; first += PromptPiece)
            Read(_model.Embedding.Apply(ids.Slice(first, Math.Min(PromptPiece, ids.Length - first))), buffers);
    }

    private void Read(Matrix<float> hidden, ForwardBuffers buffers)
    {
        for (int i = 0; i < _caches.Length; i++) _model.Blocks[i].Continue(hidden, _caches[i], Position, buffers);
        Position += hidden.Rows;
    }
}
