using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Pipeline;

namespace Quarank.Cli.Commands;

/// <summary>The bits of embedding and head, which are a third of a small model's bytes.</summary>
internal sealed class TableOptions
{
    private readonly Option<int?> _head = Bits("--head-bits", "Bits of the head's table: 8 (a scale a row), 4 (groups of 32), or 16 as it is stored (16).");
    private readonly Option<int?> _embedding = Bits("--embedding-bits", "The same of the embedding's; tied to the head they are one table, and one of the two options sets it.");

    public Option[] All => [_head, _embedding];

    /// <summary>The recipe with what was given in its place.</summary>
    public Recipe Apply(CommandResult given, Recipe recipe) => recipe with
    {
        HeadBits = given.GetValue(_head) ?? recipe.HeadBits,
        EmbeddingBits = given.GetValue(_embedding) ?? recipe.EmbeddingBits,
    };

    private static Option<int?> Bits(string name, string description) => Inputs.Choice(name, description, ("16", 16), ("8", 8), ("4", 4));
}
