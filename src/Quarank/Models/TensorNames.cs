using Quarank.Checkpoints;

namespace Quarank.Models;

/// <summary>How a family names its tensors; the defaults are Llama's.</summary>
internal sealed record TensorNames
{
    /// <summary>What may stand before all names but the head's, the usual first: programs that saved another part of the model left other prefixes.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = ["model."];

    /// <summary>The one of them that is used here.</summary>
    public string Prefix { get => field ?? Prefixes[0]; init; }

    public string Embedding => $"{Prefix}embed_tokens";
    public string Positions => $"{Prefix}embed_positions";
    public string ProjectIn => $"{Prefix}project_in";
    public string ProjectOut => $"{Prefix}project_out";
    public string FinalNorm { get => $"{Prefix}{field}"; init; } = "norm";

    /// <summary>The head's possible names; a tied one has none.</summary>
    public IReadOnlyList<string> Heads { get; init; } = ["lm_head"];

    public string Head { get => field ?? Heads[0]; init; }

    // Within a block

    /// <summary>Before the names of the attention's layers.</summary>
    public string Attention { get; init; } = "self_attn.";
    public string AttentionOutput { get; init; } = "o_proj";

    /// <summary>Before the names of the feed-forward layers.</summary>
    public string Mlp { get; init; } = "mlp.";
    public string Gate { get; init; } = "gate_proj";
    public string Up { get; init; } = "up_proj";
    public string Down { get; init; } = "down_proj";
    public string Router { get; init; } = "gate";

    public string AttentionNorm { get; init; } = "input_layernorm";
    public string MlpNorm { get; init; } = "post_attention_layernorm";
    public string AttentionOutputNorm { get; init; } = "post_attention_layernorm";
    public string MlpOutputNorm { get; init; } = "post_feedforward_layernorm";

    public string Block(int index) => $"{Prefix}layers.{index}";

    /// <summary>Before the names of an expert's layers.</summary>
    public static string Expert(int index) => $"experts.{index}.";

    /// <summary>The prefix and the head's name that the checkpoint has; the usual ones where it has none, so that complaints name those.</summary>
    public TensorNames As(StoredTensors tensors) => this with
    {
        Prefix = Prefixes.FirstOrDefault(p => tensors.Under($"{p}layers.0").Any) ?? Prefixes[0],
        Head = Heads.FirstOrDefault(h => tensors.Under(h).Any) ?? Heads[0],
    };
}
