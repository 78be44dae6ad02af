using Quarank.Cli.Console;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary>What <c>inspect</c> tells of a tokenizer.</summary>
internal sealed record TokenizerSummary(string File, int VocabularySize, string? BeginningOfText, string? EndOfText)
{
    private static readonly string[] Files = ["tokenizer.json", "tokenizer.json.gz", "tokenizer.model", "vocab.json",
        "vocab.json.gz"];

    /// <summary>Null when the folder has none.</summary>
    public static TokenizerSummary? Of(string folder)
    {
        string? file = Array.Find(Files, f => System.IO.File.Exists(Path.Combine(folder, f)));
        if (file is null) return null;
        var tokenizer = Tokenizer.Load(folder);
        return new(file, tokenizer.VocabularySize, Piece(tokenizer.BeginningOfText), Piece(tokenizer.EndOfText));

        string? Piece(int? id) => id is { } i ? tokenizer.Piece(i) : null;
    }

    public override string ToString() =>
        $"{File}, {Units.Count(VocabularySize)} tokens{(BeginningOfText is null ? "" : $", begins with {BeginningOfText}")}{(EndOfText is null ? "" : $", ends with {EndOfText}")}";
}
