using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Pipeline;

public sealed class CalibrationSetTests : IDisposable
{
    private static readonly string[] Documents = [.. Enumerable.Range(0, 40)
        .Select(i => string.Concat(Enumerable.Repeat($"Tale {i}: the fox — and a hen. ", 1 + i % 7)))];

    private readonly TemporaryFolder _folder = new();
    private readonly Tokenizer _tokenizer;

    public CalibrationSetTests() => _tokenizer = Tokenizer.Load(TinyLlama.Write(_folder["model"]));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Concatenation_cuts_the_first_tokens_of_the_joined_texts()
    {
        var set = CalibrationSet.Read(new([Lines()]) { Samples = 5, Length = 100, Separator = "\n\n" }, _tokenizer);
        var expected = _tokenizer.Encode(string.Join("\n\n", Documents));
        Assert.Equal(expected[..500], set.Sequences.SelectMany(s => s));
        Assert.All(set.Sequences, s => Assert.Equal(100, s.Length));
        Assert.Equal(500, set.Tokens);
    }

    [Fact]
    public void A_long_text_is_read_in_pieces_and_cut_as_if_it_were_read_whole()
    {
        // Beyond the piece of a million characters; a character of two code units stands at every possible border.
        string text = string.Concat(Enumerable.Repeat("𝄞é fox ", 400_000));
        File.WriteAllText(_folder["long.txt"], text);
        var set = CalibrationSet.Read(new([_folder["long.txt"]]) { Samples = 200, Length = 2000 }, _tokenizer);
        Assert.Equal(_tokenizer.Encode(text)[..400_000], set.Sequences.SelectMany(s => s));
    }

    [Fact]
    public void Gzip_and_folders_give_the_same_tokens_in_ordinal_order()
    {
        Directory.CreateDirectory(_folder["texts/inner"]);
        using (var gzip = new GZipStream(File.Create(_folder["texts/a.jsonl.gz"]), CompressionMode.Compress))
            gzip.Write(Encoding.UTF8.GetBytes(AsLines(Documents[..20])));
        for (int i = 20; i < 40; i++) File.WriteAllText(_folder[$"texts/inner/{i}.txt"], Documents[i]);
        File.WriteAllText(_folder["texts/notes.pdf"], "not read");

        var settings = new CalibrationSettings([_folder["texts"]]) { Samples = 5, Length = 100 };
        Assert.Equal(CalibrationSet.Read(settings with { Paths = [Lines()] }, _tokenizer).Hash,
            CalibrationSet.Read(settings, _tokenizer).Hash);
    }

    [Fact]
    public void Windows_are_seeded_slices_of_the_joined_texts()
    {
        var settings = new CalibrationSettings([Lines()]) { Samples = 6, Length = 90, Sampling = Sampling.Windows, Seed = 3 };
        var set = CalibrationSet.Read(settings, _tokenizer);
        string all = string.Join("\n\n", Documents);
        var bytes = _tokenizer.Encode(all);
        Assert.All(set.Sequences, s => Assert.True(bytes.AsSpan().IndexOf(s) >= 0));
        Assert.Equal(set.Hash, CalibrationSet.Read(settings, _tokenizer).Hash);
        Assert.NotEqual(set.Hash, CalibrationSet.Read(settings with { Seed = 4 }, _tokenizer).Hash);
    }

    [Fact]
    public void Documents_are_drawn_without_repetition_and_short_ones_drawn_again()
    {
        var settings = new CalibrationSettings([Lines()]) { Samples = 10, Length = 120, Sampling = Sampling.Documents, Seed = 3 };
        var set = CalibrationSet.Read(settings, _tokenizer);
        var from = set.Sequences.Select(s => Documents.Single(d => _tokenizer.Encode(d).AsSpan().IndexOf(s) >= 0)).ToList();
        Assert.Equal(10, from.Distinct().Count());
        Assert.Equal(set.Hash, CalibrationSet.Read(settings, _tokenizer).Hash);
        Assert.NotEqual(set.Hash, CalibrationSet.Read(settings with { Seed = 4 }, _tokenizer).Hash);
    }

    [Fact]
    public void Few_long_documents_give_several_windows_each()
    {
        var settings = new CalibrationSettings([Lines()]) { Samples = 30, Length = 190, Sampling = Sampling.Documents };
        var set = CalibrationSet.Read(settings, _tokenizer);
        var enough = Documents.Select(d => _tokenizer.Encode(d)).Where(d => d.Length >= 190).ToList();
        Assert.InRange(enough.Count, 1, 29);
        Assert.All(set.Sequences, s => Assert.Contains(enough, d => d.AsSpan().IndexOf(s) >= 0));
    }

    [Fact]
    public void Too_short_a_text_says_how_many_tokens_there_are_and_what_to_do()
    {
        File.WriteAllText(_folder["short.txt"], new string('x', 250));
        var settings = new CalibrationSettings([_folder["short.txt"]]) { Samples = 4, Length = 100 };
        Assert.EndsWith("the texts have 250 tokens, 4 x 100 = 400 are needed; add text, or ask for 2 samples.",
            Message(settings));
        Assert.Contains("at most 250 tokens", Message(settings with { Length = 300 }));
        Assert.Contains("have 250 tokens, random windows of 300",
            Message(settings with { Length = 300, Sampling = Sampling.Windows }));
        Assert.Contains("shorter than 300 bytes", Message(settings with { Length = 300, Sampling = Sampling.Documents }));
    }

    [Fact]
    public void What_cannot_be_read_is_named_with_its_line()
    {
        File.WriteAllText(_folder["a.jsonl"], "{\"text\": \"one\"}\n\n{\"text\": 2}\n");
        Assert.Contains("a.jsonl: line 3 has no string field \"text\"", Message(new([_folder["a.jsonl"]])));
        File.WriteAllText(_folder["b.jsonl"], "{\"text\": \"one\"}\n{\"text\"\n");
        Assert.Contains("b.jsonl: line 2 is not JSON", Message(new([_folder["b.jsonl"]])));
        File.WriteAllBytes(_folder["c.txt"], [0x61, 0xFF, 0x62]);
        Assert.Contains("c.txt: the text is not UTF-8", Message(new([_folder["c.txt"]])));
        File.WriteAllBytes(_folder["d.jsonl.gz"], [1, 2, 3, 4]);
        Assert.Contains("d.jsonl.gz: the gzip stream is damaged", Message(new([_folder["d.jsonl.gz"]])));
        Directory.CreateDirectory(_folder["empty"]);
        Assert.Contains("empty: the folder holds no text", Message(new([_folder["empty"]])));
        Assert.Contains("e.txt: there is no such file", Message(new([_folder["e.txt"]])));
        Assert.Contains("config.json: calibration texts are .txt", Message(new([_folder["model/config.json"]])));
        Assert.Contains("no path is given", Message(new([])));
    }

    private string Message(CalibrationSettings settings) =>
        Assert.ThrowsAny<Exception>(() => CalibrationSet.Read(settings, _tokenizer)).Message;

    private string Lines()
    {
        File.WriteAllText(_folder["lines.jsonl"], AsLines(Documents));
        return _folder["lines.jsonl"];
    }

    private static string AsLines(IEnumerable<string> documents) =>
        string.Concat(documents.Select(d => JsonSerializer.Serialize(new { source = "test", text = d }) + "\n"));
}
