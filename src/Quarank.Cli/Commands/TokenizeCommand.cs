using System.CommandLine;
using Quarank.Cli.Console;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank tokenize</c>: the ids and pieces of a text.</summary>
internal sealed class TokenizeCommand : TaughtCommand
{
    private readonly Argument<string> _tokenizer = new(
        "MODEL")
    { Description = "A model folder, a tokenizer folder or a tokenizer file." };
    private readonly Option<string?> _text = Inputs.Text("--text", "TEXT", "The text itself.");
    private readonly Option<string?> _file = Inputs.Text("--file", "FILE", "A UTF-8 file with the text.");
    private readonly Option<bool> _plain = Inputs.Flag(
        "--no-special-tokens", "Without the tokens that the tokenizer puts around a text.");
    private readonly Option<bool> _json = Inputs.Flag("--json", "Print JSON: count, ids, pieces.");

    public TokenizeCommand(Terminal terminal)
        : base("tokenize", "Turns a text into the ids of a model's vocabulary, one a line with its piece.",
        ("see how a sentence is cut", "quarank tokenize samples/tales --text \"Once upon a time\""),
        ("as transformers 5 cuts it", "quarank tokenize SmolLM2 --text \"in   2026\" --tokenizer-rules class"),
        ("the ids of a file, for a script", "quarank tokenize samples/tales --file tale.txt --json"))
    {
        Add(_tokenizer);
        AddGroup("Options", _text, _file, _plain, TokenizerOptions.Rules, _json);
        AddCheck(given =>
        {
            if ((given.GetResult(_text) is null) == (given.GetResult(_file) is null)) given
                .AddError("Give either --text or --file.");
        });
        SetAction(parsed =>
        {
            var tokenizer = TokenizerOptions.Load(terminal, parsed.GetRequiredValue(_tokenizer), TokenizerOptions.Of(parsed));
            string text = parsed.GetValue(_text) ?? TextInput.ReadPlain(parsed.GetRequiredValue(_file)!);
            var ids = tokenizer.Encode(text, !parsed.GetValue(_plain));
            if (parsed.GetValue(_json))
                Json.Write(terminal, new { Count = ids.Length, Ids = ids, Pieces = ids.Select(tokenizer.Piece) });
            else
                foreach (int id in ids) terminal.Out.WriteLine(Units.Invariant($"{id,7}  {tokenizer.Piece(id)}"));
            return Application.Success;
        });
    }
}
