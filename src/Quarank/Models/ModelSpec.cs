using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Models.Architectures;

namespace Quarank.Models;

/// <summary>Every number and switch in which decoder families differ, read from config.json.</summary>
public sealed record ModelSpec
{
    /// <summary>The name in the config's <c>architectures</c>.</summary>
    public required string Architecture { get; init; }

    public required int HiddenSize { get; init; }

    /// <summary>Width of the feed-forward part; of one expert where there are several.</summary>
    public required int IntermediateSize { get; init; }

    public required int BlockCount { get; init; }

    /// <summary>Query heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads; each serves HeadCount / KeyValueHeadCount query heads.</summary>
    public required int KeyValueHeadCount { get; init; }

    public required int HeadSize { get; init; }

    public required int VocabularySize { get; init; }

    /// <summary>The most positions the model was made for.</summary>
    public required int ContextLength { get; init; }

    // Norms

    /// <summary>Added to the mean square, or the variance, in every norm.</summary>
    public required float NormEpsilon { get; init; }

    public NormKind Norm { get; init; } = NormKind.Rms;

    public NormPlacement NormPlacement { get; init; } = NormPlacement.Before;

    /// <summary>Whether norms have weights of their own; without them they only standardize.</summary>
    public bool NormWeights { get; init; } = true;

    /// <summary>Whether the last block's output is normalized before the head.</summary>
    public bool FinalNorm { get; init; } = true;

    // Embedding and head

    /// <summary>Width of the embedding and the head, where projections lead from it to the hidden size and back; null without them.</summary>
    public int? EmbeddingSize { get; init; }

    /// <summary>Factor of embedded tokens.</summary>
    public float EmbeddingScale { get; init; } = 1;

    /// <summary>The head is the embedding's matrix.</summary>
    public bool TiedHead { get; init; }

    /// <summary>c of c · tanh(logit / c), the bound of logits; null leaves them.</summary>
    public float? LogitCap { get; init; }

    // Positions and attention

    /// <summary>The rotation of queries and keys by position; null without one.</summary>
    public RotarySpec? Rotary { get; init; }

    /// <summary>The rotation in blocks with a window, where it is another than in the rest.</summary>
    public RotarySpec? WindowRotary { get; init; }

    /// <summary>Vectors of positions that are added to embedded tokens: how many rows of their table come before position 0. Null without a table.</summary>
    public int? PositionOffset { get; init; }

    /// <summary>How many tokens, itself among them, a token sees in blocks with a window; null without such blocks.</summary>
    public int? Window { get; init; }

    /// <summary>Which blocks have the window; empty: all, if there is one.</summary>
    public IReadOnlyList<bool> Windowed { get; init; } = [];

    /// <summary>Factor of the products of queries and keys; null: 1 / √HeadSize.</summary>
    public double? AttentionScale { get; init; }

    /// <summary>c of c · tanh(score / c), the bound of attention scores; null leaves them.</summary>
    public float? AttentionCap { get; init; }

    /// <summary>Each head's queries and keys pass through a norm before they are rotated.</summary>
    public bool NormalizeQueriesAndKeys { get; init; }

    /// <summary>Biases on queries, keys and values.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>A bias on the attention's output.</summary>
    public bool AttentionOutputBias { get; init; }

    // Feed-forward

    public Activation Activation { get; init; } = Activation.Silu;

    /// <summary>activation(gate x) · up x; false: activation(up x) alone.</summary>
    public bool GatedMlp { get; init; } = true;

    /// <summary>Biases on the feed-forward's layers.</summary>
    public bool MlpBias { get; init; }

    /// <summary>How many feed-forward parts a block chooses from; 0 where there is one for all tokens.</summary>
    public int ExpertCount { get; init; }

    /// <summary>How many experts a token passes through.</summary>
    public int ExpertsPerToken { get; init; }

    /// <summary>One matrix holds queries, keys and values, another one gate and up.</summary>
    public bool FusedProjections { get; init; }

    /// <summary>The rotated coordinates the checkpoint is in; null for a model as it was trained.</summary>
    public RotationSpec? Rotation { get; init; }

    // Data

    /// <summary>The number type the config names; null when it names none.</summary>
    public ElementType? Type { get; init; }

    /// <summary>The token that begins a text, if the config names one.</summary>
    public int? BeginningOfText { get; init; }

    /// <summary>The tokens that end a text; may be empty.</summary>
    public IReadOnlyList<int> EndOfText { get; init; } = [];

    /// <summary>How the checkpoint names its tensors.</summary>
    internal TensorNames Names { get; init; } = new();

    /// <summary>Query heads that share one key and value head.</summary>
    public int HeadsPerGroup => HeadCount / KeyValueHeadCount;

    /// <summary>Width of all queries, and of what the attention's output projection reads.</summary>
    public int QuerySize => HeadCount * HeadSize;

    /// <summary>Width of all keys, and of all values.</summary>
    public int KeyValueSize => KeyValueHeadCount * HeadSize;

    /// <summary>Columns of the embedding's matrix and of the head's.</summary>
    public int TableWidth => EmbeddingSize ?? HiddenSize;

    /// <summary>The names of the vocabulary's tables: the embedding's, then the head's where it has one of its own.</summary>
    public IReadOnlyList<string> TableNames => TiedHead ? [Names.Embedding] : [Names.Embedding, Names.Head];

    /// <summary>Reads a Hugging Face config, of old or new transformers.</summary>
    /// <exception cref="InvalidDataException">A number is missing or cannot be.</exception>
    /// <exception cref="NotSupportedException">The architecture, or a switch that changes results, is not ours; the message names it.</exception>
    public static ModelSpec Read(JsonElement config) => ArchitectureTable.Read(config);

    /// <summary>Reads a checkpoint's config; where a family's tensors have several names, those of the checkpoint count.</summary>
    /// <inheritdoc cref="Read(JsonElement)"/>
    public static ModelSpec Of(Checkpoint checkpoint) => Of(checkpoint.Config, checkpoint.Tensors);

    internal static ModelSpec Of(JsonElement config, StoredTensors tensors)
    {
        var spec = Read(config);
        return spec with { Names = spec.Names.As(tensors) };
    }

    /// <summary>The linear layers of one block that may be compressed, in the order in which they run.</summary>
    public IReadOnlyList<ProjectionSpec> Projections(int block) => BlockLayout.Projections(this, block);

    /// <summary>The places of a block where linear layers take their inputs, in the order in which they are reached.</summary>
    public IReadOnlyList<InputSite> Sites => [.. Projections(0).Select(p => p.Site).Distinct()];

    /// <summary>How far a block's tokens see, themselves included; null: to the beginning.</summary>
    public int? WindowOf(int block) => Windowed.Count == 0 || Windowed[block] ? Window : null;

    /// <summary>The length of text above which all positions turn at other speeds; null when none does.</summary>
    internal int? RotarySwitch => Rotary?.Scaling?.Switch;

    /// <exception cref="ArgumentException">The model was not made for that many positions.</exception>
    internal void CheckContext(int positions)
    {
        if (positions > ContextLength)
            throw new ArgumentException($"{positions} tokens do not fit the model's context of {ContextLength} (max_position_embeddings); shorten the text.");
    }
}
