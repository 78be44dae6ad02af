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
        Check(ids);
        if (ids.Length > 1) ReadPieces(ids[..^1], null);
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

    /// <summary>
    /// Reads tokens as <see cref="Append"/> does and returns the states after each of them, as <see cref="Model.Forward"/> does for a
    /// whole sequence: after the last norm, tokens × hidden. <see cref="Model.Logits"/> of row t foretell the token after ids[t].
    /// </summary>
    /// <inheritdoc cref="Append"/>
    public Matrix<float> ReadAll(ReadOnlySpan<int> ids)
    {
        Check(ids);
        var states = new Matrix<float>(ids.Length, _model.Spec.HiddenSize);
        ReadPieces(ids, states);
        return states;
    }

    /// <summary>
    /// Forgets all tokens but the first <paramref name="position"/>, which stay read: several endings can follow one beginning.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer tokens were read.</exception>
    public void Rewind(int position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Position);
        Position = position;
    }

    private void Check(ReadOnlySpan<int> ids)
    {
        if (ids.IsEmpty) throw new ArgumentException("There must be at least one token.", nameof(ids));
        _model.Spec.CheckContext(Position + ids.Length);
        _model.Embedding.Check(ids);
    }

    /// <param name="states">Becomes what follows from each token, after the last norm; null asks for nothing.</param>
    private void ReadPieces(ReadOnlySpan<int> ids, Matrix<float>? states)
    {
        var buffers = new ForwardBuffers(_model.Spec);   // large, and only needed here
        for (int first = 0; first < ids.Length; first += PromptPiece)
        {
            int count = Math.Min(PromptPiece, ids.Length - first);
            var hidden = _model.Embedding.Apply(ids.Slice(first, count));
            Read(hidden, buffers);
            if (states is null) continue;
            _model.Head.Norm.Apply(hidden, hidden);
            hidden.Data.CopyTo(states.RowRange(first, count));
        }
    }

    private void Read(Matrix<float> hidden, ForwardBuffers buffers)
    {
        for (int i = 0; i < _caches.Length; i++) _model.Blocks[i].Continue(hidden, _caches[i], Position, buffers);
        Position += hidden.Rows;
    }
}
