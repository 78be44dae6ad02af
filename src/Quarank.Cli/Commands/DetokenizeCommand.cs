using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Quarank.Cli.Console;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank detokenize</c>: the text of ids.</summary>
internal sealed class DetokenizeCommand : TaughtCommand
{
    private readonly Argument<string> _tokenizer = new(
        "MODEL")
    { Description = "A model folder, a tokenizer folder or a tokenizer file." };
    private readonly Option<int[]> _ids = new("--ids")
    {
        HelpName = "1,2,3",
        Description = "The ids, with commas between them.",
        Required = true,
        CustomParser = ParseIds
    };
    private readonly Option<bool> _skip = Inputs.Flag("--skip-special-tokens", "Leave out tokens that stand for no text.");
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print JSON: text.");

    public DetokenizeCommand(Terminal terminal) : base("detokenize", "Turns ids of a model's vocabulary back into text.",
        ("what do these ids say?", "quarank detokenize samples/tales --ids 3023,622,259,545"))
    {
        Add(_tokenizer);
        AddGroup("Options", _ids, _skip, TokenizerOptions.Rules, _json);
        SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(_tokenizer);
            var tokenizer = TokenizerOptions.Load(terminal, path, TokenizerOptions.Of(parsed));
            var ids = parsed.GetRequiredValue(_ids);
            foreach (int id in ids)
                if (id >= tokenizer.VocabularySize)
                    throw new InvalidDataException(
                    Units.Invariant($"{path}: id {id} is beyond the vocabulary, whose last is {tokenizer.VocabularySize - 1}."));
            string text = tokenizer.Decode(ids, parsed.GetValue(_skip));
            if (parsed.GetValue(_json)) Json.Write(terminal, new { Text = text });
            else terminal.Out.WriteLine(text);
            return Application.Success;
        });
    }

    private static int[] ParseIds(ArgumentResult result)
    {
        var ids = new List<int>();
        foreach (string part in result.Tokens.SelectMany(t => t.Value.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries)))
        {
            if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int id)) ids.Add(id);
            else result.AddError($"--ids takes whole numbers with commas between them, not '{part}'.");
        }
        return [.. ids];
    }
}
