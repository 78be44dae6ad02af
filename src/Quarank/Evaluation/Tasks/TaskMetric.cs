namespace Quarank.Evaluation.Tasks;

/// <summary>A figure of a task.</summary>
/// <param name="Name">acc, acc_norm, perplexity, ...</param>
/// <param name="Error">Its standard error; null where there is none.</param>
public sealed record TaskMetric(string Name, double Value, double? Error)
{
    /// <summary>Whether more is better, or less.</summary>
    public bool HigherIsBetter => Name.StartsWith("acc", StringComparison.Ordinal);

    /// <summary>How the values of documents become one, in the harness's words.</summary>
    public string Aggregation => Name switch
    {
        "perplexity" or "bits_per_byte" => Name,
        "word_perplexity" or "byte_perplexity" => "weighted_perplexity",
        _ => "mean",
    };
}
