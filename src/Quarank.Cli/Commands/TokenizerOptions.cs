using System.CommandLine;
using Quarank.Cli.Console;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary>Which of two sayings counts for how texts are cut, wherever a tokenizer is loaded.</summary>
internal static class TokenizerOptions
{
    public static Option<TokenizerRules?> Rules { get; } = Inputs.Choice("--tokenizer-rules",
        "Cut texts as tokenizer.json says, or as its tokenizer_class does in transformers 5, which does not look at that file's rules (file).",
        ("file", TokenizerRules.File), ("class", TokenizerRules.Class));

    public static TokenizerRules Of(ParseResult parsed) => parsed.GetValue(Rules) ?? TokenizerRules.File;

    /// <summary>Loads a tokenizer as the command line says, telling of it where that is not the usual way.</summary>
    public static Tokenizer Load(Terminal terminal, string path, TokenizerRules rules)
    {
        var tokenizer = Tokenizer.Load(path, rules);
        Note(terminal, rules, tokenizer);
        return tokenizer;
    }

    /// <summary>Says by whose rules texts are cut where those of a class were asked for.</summary>
    private static void Note(Terminal terminal, TokenizerRules rules, Tokenizer tokenizer)
    {
        if (rules == TokenizerRules.Class)
            terminal.Error.WriteLine(tokenizer.ClassRules is { } name
                ? $"note: texts are cut by the rules of the class {name}, not by those of tokenizer.json"
                : "note: the tokenizer's class has no rules of its own; those of tokenizer.json count");
    }
}
