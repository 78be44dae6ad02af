using Quarank.Numerics;
using Quarank.Numerics.Kernels;

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
    private readonly Matrix<float> _hidden, _finished;
    private readonly float[] _logits;

    /// <summary>So many positions behind a window stay in the cache: going back over fewer costs nothing.</summary>
    private const int Slack = 128;

    // What was read, where it may have to be read anew: because a longer text turns all its positions at other speeds (RotaryScaling.Switch), or
    // because keys behind a window were let go.
    private readonly List<int>? _ids;
    private readonly int _switch;
    private readonly int?[] _windows;

    internal Session(Model model, InferenceSettings settings)
    {
        (_model, Settings) = (model, settings);
        _caches = [.. model.Blocks.Select(_ => new KeyValueCache(model.Spec, settings.Cache))];
        _buffers = new ForwardBuffers(model.Spec, settings);
        _hidden = new Matrix<float>(1, model.Spec.HiddenSize);
        _finished = new Matrix<float>(1, model.Spec.TableWidth);
        _logits = new float[model.Spec.VocabularySize];
        _switch = model.Spec.RotarySwitch ?? int.MaxValue;
        _windows = [.. model.Blocks.Select(b => model.Spec.WindowOf(b.Index))];
        if (model.Spec.RotarySwitch is not null || _windows.Any(w => w is not null)) _ids = [];
    }

    public InferenceSettings Settings { get; }

    /// <summary>The tokens read so far.</summary>
    public int Position { get; private set; }

    /// <summary>Bytes that the keys and values take.</summary>
    public long CacheBytes => _caches.Sum(c => c.Bytes);

    /// <summary>Reads tokens and returns the logits after the last of them, valid until the next call.</summary>
    /// <exception cref="ArgumentException">No tokens, more than the context holds, or an id out of the vocabulary; nothing was read then.</exception>
    public ReadOnlySpan<float> Append(ReadOnlySpan<int> ids)
    {
        Check(ids);
        if (_ids is not null) Prepare(ids);
        if (ids.Length > 1) ReadPieces(ids[..^1], null, Position + ids.Length);
        return Read(ids[^1]);
    }

    /// <summary>Reads one token and returns the logits after it, valid until the next call. Allocates nothing but, now and then, room for more keys.</summary>
    /// <exception cref="ArgumentException">The context is full, or the id is not in the vocabulary.</exception>
    public ReadOnlySpan<float> Step(int id)
    {
        Check([id]);
        if (_ids is not null) Prepare([id]);
        return Read(id);
    }

    /// <summary>
    /// Reads tokens as <see cref="Append"/> does and returns the states after each of them, as <see cref="Model.Forward"/> does for a
    /// whole sequence: tokens × the head's width. <see cref="Model.Logits"/> of row t foretell the token after ids[t].
    /// </summary>
    /// <inheritdoc cref="Append"/>
    public Matrix<float> ReadAll(ReadOnlySpan<int> ids)
    {
        Check(ids);
        if (_ids is not null) Prepare(ids);
        var states = new Matrix<float>(ids.Length, _model.Spec.TableWidth);
        ReadPieces(ids, states, Position + ids.Length);
        return states;
    }

    /// <summary>
    /// Forgets all tokens but the first <paramref name="position"/>, which stay read: several endings can follow one beginning. Where a block sees a
    /// window only and its keys before that were let go, what stays is read anew with the next token.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer tokens were read.</exception>
    public void Rewind(int position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Position);
        Position = position;
    }

    /// <summary>The most positions that a block's cache has room for however long the text is, where it sees a window; a long prompt is what takes most.</summary>
    internal static int MostKept(int? window) =>
        window is { } w ? (w + Slack + PromptPiece + 2 * HeadCache.Page) / HeadCache.Page * HeadCache.Page : int.MaxValue;

    private void Check(ReadOnlySpan<int> ids)
    {
        if (ids.IsEmpty) throw new ArgumentException("There must be at least one token.", nameof(ids));
        _model.Spec.CheckContext(Position + ids.Length);
        _model.Embedding.Check(ids);
    }

    private ReadOnlySpan<float> Read(int id)
    {
        _model.Embedding.Apply([id], _hidden, Position);
        Read(_hidden, Position + 1, _buffers);
        _model.Head.Logits(_model.Head.Finish(_hidden, _finished).Row(0), _logits, Settings.Inputs);
        return _logits;
    }

    /// <summary>
    /// Keeps the ids that are about to be read; what was read is read anew when the longer text turns at other speeds, or when its end has lost keys
    /// that it sees.
    /// </summary>
    private void Prepare(ReadOnlySpan<int> ids)
    {
        int read = Position, length = Position + ids.Length;
        bool turned = _ids!.Count > _switch;                 // as the keys in the caches are
        _ids.RemoveRange(read, _ids.Count - read);
        bool anew = turned != length > _switch || HasLost(read);
        var before = anew ? _ids.ToArray() : [];
        _ids.AddRange(ids);
        if (!anew) return;
        foreach (var cache in _caches) cache.Restart();
        Position = 0;
        ReadPieces(before, null, length);
    }

    /// <summary>Whether a token at this position sees keys that were let go.</summary>
    private bool HasLost(int position)
    {
        for (int i = 0; i < _caches.Length; i++)
            if (_windows[i] is { } window && _caches[i].FirstKept > Math.Max(0, position + 1 - window)) return true;
        return false;
    }

    /// <param name="length">Of the text that will have been read in the end.</param>
    /// <param name="states">Becomes what follows from each token, as the head wants it; null asks for nothing.</param>
    private void ReadPieces(ReadOnlySpan<int> ids, Matrix<float>? states, int length)
    {
        var buffers = new ForwardBuffers(_model.Spec, Settings);   // large, and only needed here
        for (int first = 0; first < ids.Length; first += PromptPiece)
        {
            int count = Math.Min(PromptPiece, ids.Length - first);
            var hidden = _model.Embedding.Apply(ids.Slice(first, count), Position);
            Read(hidden, length, buffers);
            if (states is null) continue;
            _model.Head.Finish(hidden).Data.CopyTo(states.RowRange(first, count));
        }
    }

    private void Read(Matrix<float> hidden, int length, ForwardBuffers buffers)
    {
        for (int i = 0; i < _caches.Length; i++) _model.Blocks[i].Continue(hidden, _caches[i], Position, length, buffers);
        Position += hidden.Rows;
        for (int i = 0; i < _caches.Length; i++)
            if (_windows[i] is { } window) _caches[i].Forget(Position + 1 - window - Slack);
    }
}
