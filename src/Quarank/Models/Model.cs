using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>Embedding, decoder blocks, head: the weights of a language model, whatever form they are stored in.</summary>
public sealed class Model
{
    private ForwardBuffers _buffers;

    private Model(ModelSpec spec, Embedding embedding, IReadOnlyList<Block> blocks, Head head, ForwardBuffers buffers) =>
        (Spec, Embedding, Blocks, Head, _buffers) = (spec, embedding, blocks, head, buffers);

    public ModelSpec Spec { get; }

    public Embedding Embedding { get; }

    public IReadOnlyList<Block> Blocks { get; }

    public Head Head { get; }

    /// <summary>In which numbers whole sequences run, and sessions that are not told otherwise.</summary>
    public InferenceSettings Settings
    {
        get => _buffers.Settings;
        set => _buffers = new ForwardBuffers(Spec, value);
    }

    /// <summary>Reads a whole model into memory, compressed layers as they are stored.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or does not fit the config; the message names it.</exception>
    /// <exception cref="NotSupportedException">See <see cref="ModelSpec.Read(JsonElement)"/>.</exception>
    public static Model Load(Checkpoint checkpoint) => Load(checkpoint.Tensors, checkpoint.Config);

    /// <summary>As <see cref="Load(Checkpoint)"/>, from tensors that need not lie in a file.</summary>
    public static Model Load(StoredTensors tensors, JsonElement config)
    {
        var spec = ModelSpec.Of(config, tensors);
        var loader = new ModelLoader(tensors, config, spec);
        var buffers = new ForwardBuffers(spec);
        var embedding = loader.Embedding();
        return new Model(spec, embedding, [.. Enumerable.Range(0, spec.BlockCount).Select(i => loader.Block(i, buffers))], loader.Head(embedding), buffers);
    }

    /// <summary>Reads one block alone.</summary>
    /// <param name="buffers">To share between blocks that run one after another; null makes new ones.</param>
    public static Block LoadBlock(Checkpoint checkpoint, ModelSpec spec, int index, ForwardBuffers? buffers = null) =>
        new ModelLoader(checkpoint, spec).Block(index, buffers ?? new ForwardBuffers(spec));

    /// <summary>As <see cref="LoadBlock"/>, its layers decoded to floats: for many tokens, and for methods.</summary>
    internal static Block LoadBlockInFloats(Checkpoint checkpoint, ModelSpec spec, int index, ForwardBuffers buffers) =>
        LoadBlockInFloats(checkpoint.Tensors, checkpoint.Config, spec, index, buffers);

    /// <summary>As above, from tensors that need not lie in a file.</summary>
    internal static Block LoadBlockInFloats(StoredTensors tensors, JsonElement config, ModelSpec spec, int index, ForwardBuffers buffers)
    {
        var block = new ModelLoader(tensors, config, spec).Block(index, buffers);
        foreach (var projection in block.Projections) projection.Weight = DenseLinear.InFloats(projection.Weight);
        return block;
    }

    /// <summary>Reads the embedding alone.</summary>
    /// <param name="table">In the place of the checkpoint's own, vocabulary × width; null takes that.</param>
    public static Embedding LoadEmbedding(Checkpoint checkpoint, ModelSpec spec, Linear? table = null) =>
        new ModelLoader(checkpoint, spec).Embedding(table);

    /// <summary>Reads the end of the model alone.</summary>
    public static Head LoadHead(Checkpoint checkpoint, ModelSpec spec, Embedding embedding) => new ModelLoader(checkpoint, spec).Head(embedding);

    /// <summary>Runs a whole sequence; one at a time, for the blocks share their buffers.</summary>
    /// <returns>Hidden states as <see cref="Head.Finish"/> leaves them: after the last norm, tokens × the head's width.</returns>
    /// <exception cref="ArgumentException">No tokens, more than the context holds, or an id out of the vocabulary.</exception>
    public Matrix<float> Forward(ReadOnlySpan<int> ids)
    {
        if (ids.IsEmpty) throw new ArgumentException("There must be at least one token.", nameof(ids));
        Spec.CheckContext(ids.Length);
        var hidden = Embedding.Apply(ids);
        foreach (var block in Blocks) block.Forward(hidden, buffers: _buffers);
        return Head.Finish(hidden);
    }

    /// <summary>
    /// Runs several sequences at once, those with a common beginning sharing it. A part follows on the positions before its start
    /// as the parts before it left them, and overwrites what comes after: a beginning (0, 20), an ending (20, 5), another
    /// ending (20, 7). All linear layers see all rows together. One batch at a time, for the blocks share their buffers.
    /// </summary>
    /// <param name="ids">The tokens of all parts, one part after the other.</param>
    /// <returns>Hidden states as <see cref="Head.Finish"/> leaves them, ids.Length × the head's width.</returns>
    /// <exception cref="ArgumentException">A part is empty, starts where nothing lies before it, leaves the context, or they do not make up the ids;
    /// or the model turns long texts otherwise than short ones (<see cref="RotaryScaling.Switch"/>) and there are both.</exception>
    public Matrix<float> Forward(ReadOnlySpan<int> ids, IReadOnlyList<SequencePart> parts)
    {
        SequencePart.Check(parts, ids.Length);
        Spec.CheckContext(parts.Max(p => p.End));
        if (Spec.RotarySwitch is { } longest) SequencePart.CheckSameSide(parts, longest);
        var hidden = new Matrix<float>(ids.Length, Spec.HiddenSize);
        int row = 0;
        foreach (var (start, count) in parts)
        {
            Embedding.Apply(ids.Slice(row, count), start).Data.CopyTo(hidden.RowRange(row, count));
            row += count;
        }
        foreach (var block in Blocks) block.ForwardParts(hidden, parts, _buffers);
        return Head.Finish(hidden);
    }

    /// <summary>Begins a text that grows: prompt at once, then token by token.</summary>
    /// <param name="settings">Null: the model's.</param>
    public Session NewSession(InferenceSettings? settings = null) => new(this, settings ?? Settings);

    /// <summary>Logits of rows of what <see cref="Forward"/> returns: tokens × vocabulary, so pass few tokens at a time.</summary>
    public Matrix<float> Logits(Matrix<float> hidden)
    {
        var logits = new Matrix<float>(hidden.Rows, Spec.VocabularySize);
        Head.Logits(hidden, logits, Settings.Inputs);
        return logits;
    }
}
