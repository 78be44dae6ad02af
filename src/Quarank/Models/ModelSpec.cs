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

    /// <summary>Width of the feed-forward part.</summary>
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

    /// <summary>Added to the mean square in every RMSNorm.</summary>
    public required float NormEpsilon { get; init; }

    public required RotarySpec Rotary { get; init; }

    /// <summary>Biases on queries, keys, values and the attention's output.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Biases on gate, up and down.</summary>
    public bool MlpBias { get; init; }

    /// <summary>The head is the embedding's matrix.</summary>
    public bool TiedHead { get; init; }

    /// <summary>The number type the config names; null when it names none.</summary>
    public ElementType? Type { get; init; }

    /// <summary>The token that begins a text, if the config names one.</summary>
    public int? BeginningOfText { get; init; }

    /// <summary>The tokens that end a text; may be empty.</summary>
    public IReadOnlyList<int> EndOfText { get; init; } = [];

    /// <summary>Query heads that share one key and value head.</summary>
    public int HeadsPerGroup => HeadCount / KeyValueHeadCount;

    /// <summary>Width of all queries, and of what the attention's output projection reads.</summary>
    public int QuerySize => HeadCount * HeadSize;

    /// <summary>Width of all keys, and of all values.</summary>
    public int KeyValueSize => KeyValueHeadCount * HeadSize;

    /// <summary>Reads a Hugging Face config, of old or new transformers.</summary>
    /// <exception cref="InvalidDataException">A number is missing or cannot be.</exception>
    /// <exception cref="NotSupportedException">The architecture, or a switch that changes results, is not ours yet; the message names it.</exception>
    public static ModelSpec Read(JsonElement config) => ArchitectureTable.Read(config);

    /// <summary>The linear layers of one block, in the order in which they run: q, k, v, o, gate, up, down.</summary>
    public IReadOnlyList<ProjectionSpec> Projections(int block)
    {
        string attention = $"{BlockName(block)}.self_attn", mlp = $"{BlockName(block)}.mlp";
        return
        [
            new($"{attention}.q_proj", InputSite.Attention, QuerySize, HiddenSize, AttentionBias),
            new($"{attention}.k_proj", InputSite.Attention, KeyValueSize, HiddenSize, AttentionBias),
            new($"{attention}.v_proj", InputSite.Attention, KeyValueSize, HiddenSize, AttentionBias),
            new($"{attention}.o_proj", InputSite.AttentionOutput, HiddenSize, QuerySize, AttentionBias),
            new($"{mlp}.gate_proj", InputSite.Mlp, IntermediateSize, HiddenSize, MlpBias),
            new($"{mlp}.up_proj", InputSite.Mlp, IntermediateSize, HiddenSize, MlpBias),
            new($"{mlp}.down_proj", InputSite.MlpOutput, HiddenSize, IntermediateSize, MlpBias),
        ];
    }

    /// <exception cref="ArgumentException">The model was not made for that many positions.</exception>
    internal void CheckContext(int positions)
    {
        if (positions > ContextLength)
            throw new ArgumentException($"{positions} tokens do not fit the model's context of {ContextLength} (max_position_embeddings); shorten the text.");
    }

    /// <summary>The prefix of a block's tensors.</summary>
    internal static string BlockName(int block) => $"model.layers.{block}";
}
