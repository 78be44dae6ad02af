using System.IO.Compression;
using System.Text;
using Parquet.Serialization;
using Quarank.Evaluation.Tasks;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Evaluation.Tasks;

/// <summary>The same rows in every form and place that is read.</summary>
public sealed class TaskDataTests : IDisposable
{
    private const string First = """{"goal":"g1","sol1":"a","sol2":"b","label":1}""", Second = """{"goal":"g2","sol1":"c","sol2":"d","label":0}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("piqa/validation.jsonl")]
    [InlineData("piqa/valid.json")]
    [InlineData("piqa/val.jsonl.gz")]
    [InlineData("piqa.dev.json.gz")]
    [InlineData("piqa_validation.jsonl")]
    [InlineData("piqa/plain_text/validation.jsonl")]
    public void Rows_lie_in_lines_under_many_names(string name)
    {
        Write(name, $"{First}\n\n{Second}\n");
        AssertPiqa();
    }

    [Fact]
    public void Rows_lie_in_a_list()
    {
        Write("piqa/validation.json", $"\n [{First}, {Second}]");
        AssertPiqa();
    }

    [Fact]
    public void Labels_lie_beside_the_rows()
    {
        Write("piqa/valid.jsonl", """{"goal":"g1","sol1":"a","sol2":"b"}""" + "\n" + """{"goal":"g2","sol1":"c","sol2":"d"}""");
        Write("piqa/valid-labels.lst", "1\n0\n");
        AssertPiqa();
        Write("piqa/valid-labels.lst", "1\n");
        Assert.Contains("1 labels for the 2 rows", Assert.Throws<InvalidDataException>(() => Prepare("piqa")).Message, StringComparison.Ordinal);
    }

    private sealed record PiqaRow(string goal, string sol1, string sol2, int label);

    private sealed class ArcRow
    {
        public string question { get; set; } = "";
        public ArcChoices choices { get; set; } = new();
        public string answerKey { get; set; } = "";
    }

    private sealed class ArcChoices
    {
        public List<string> text { get; set; } = [];
        public List<string> label { get; set; } = [];
    }

    [Fact]
    public async Task Rows_lie_in_parquet_shards()
    {
        Directory.CreateDirectory(_folder["piqa"]);
        await ParquetSerializer.SerializeAsync([new PiqaRow("g1", "a", "b", 1)], _folder["piqa/validation-00000-of-00002.parquet"], cancellationToken: TestContext.Current.CancellationToken);
        await ParquetSerializer.SerializeAsync([new PiqaRow("g2", "c", "d", 0)], _folder["piqa/validation-00001-of-00002.parquet"], cancellationToken: TestContext.Current.CancellationToken);
        AssertPiqa();
    }

    [Fact]
    public async Task Records_and_lists_lie_in_parquet()
    {
        Directory.CreateDirectory(_folder["ai2_arc/ARC-Easy"]);
        var row = new ArcRow { question = "Hot?", choices = new() { text = ["ice", "fire", "snow"], label = ["A", "B", "C"] }, answerKey = "B" };
        await ParquetSerializer.SerializeAsync([row], _folder["ai2_arc/ARC-Easy/test.parquet"], cancellationToken: TestContext.Current.CancellationToken);
        var question = Prepare("arc_easy").Questions.Single().Question;
        Assert.Equal(["ice", "fire", "snow"], question.Choices);
        Assert.Equal(1, question.Gold);
    }

    [Fact]
    public void Stories_lie_in_comma_separated_values()
    {
        Write("storycloze/2016/test.csv", """
            InputStoryid,InputSentence1,InputSentence2,InputSentence3,InputSentence4,RandomFifthSentenceQuiz1,RandomFifthSentenceQuiz2,AnswerRightEnding
            x,"One, two.",Three.,"He said ""four"".",Five.,Good.,Bad.,1
            """);
        var question = Prepare("storycloze").Questions.Single().Question;
        Assert.Equal("One, two. Three. He said \"four\". Five.", question.Pairs[0].Context);
        Assert.Equal(0, question.Gold);
    }

    [Fact]
    public void Subjects_are_told_apart_in_one_file()
    {
        const string row = """{"question":"q","choices":["1","2","3","4"],"answer":0,"subject":""";
        Write("mmlu/all/test.jsonl", $"{row}\"anatomy\"}}\n{row}\"virology\"}}\n{row}\"anatomy\"}}\n");
        Assert.Equal(2, Prepare("mmlu_anatomy").DocumentCount);
        Assert.Single(Prepare("mmlu_virology").Questions);
        Assert.Contains("no documents of mmlu_astronomy", Assert.Throws<InvalidDataException>(() => Prepare("mmlu_astronomy")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_raw_text_is_cut_at_headings_of_the_first_level()
    {
        Write("wikitext-2-raw/wiki.test.raw", " \n = One = \n \n a b \n = = Part = = \n c \n = Two = \n d \n");
        Assert.Equal([" = One = \n \n a b \n = = Part = = \n c ", " = Two = \n d \n"], Prepare("wikitext").Questions.Select(q => q.Question.Choices[0]));
    }

    [Fact]
    public void Missing_data_are_named_with_all_places_in_one_line()
    {
        string message = Assert.Throws<FileNotFoundException>(() => Prepare("arc_easy")).Message;
        foreach (string part in new[] { _folder.Path, "no test split of arc_easy", "ai2_arc/ARC-Easy/test", ".parquet", "answerKey", "--data" })
            Assert.Contains(part, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Damaged_files_are_named_with_the_row()
    {
        Write("piqa/validation.jsonl", First + "\n{\"goal\":");
        Assert.Contains("validation.jsonl, line 2", Assert.Throws<InvalidDataException>(() => Prepare("piqa")).Message, StringComparison.Ordinal);
        Write("piqa/validation.jsonl", "7");
        Assert.Contains("expected a JSON object", Assert.Throws<InvalidDataException>(() => Prepare("piqa")).Message, StringComparison.Ordinal);
        File.Delete(_folder["piqa/validation.jsonl"]);
        Write("piqa/validation.parquet", "no parquet at all");
        Assert.Contains("not readable parquet", Assert.Throws<InvalidDataException>(() => Prepare("piqa")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shared_data_have_the_sizes_of_the_splits_and_wikitext_its_62_pages()
    {
        string data = Shared.Find("data");
        Assert.Equal([1838, 2376, 1172, 3270, 10042, 62],
            PreparedTask.Read(TaskTable.Find(["piqa", "arc_easy", "arc_challenge", "boolq", "hellaswag", "wikitext"]), new(data)).Select(t => t.Questions.Count));
    }

    private void AssertPiqa()
    {
        var task = Prepare("piqa");
        Assert.Equal(["Question: g1\nAnswer:", "Question: g2\nAnswer:"], task.Questions.Select(q => q.Question.Pairs[0].Context));
        Assert.Equal([1, 0], task.Questions.Select(q => q.Question.Gold));
    }

    private PreparedTask Prepare(string task) => PreparedTask.Read(TaskTable.Find(task), new(_folder.Path)).Single();

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        using var file = File.Create(_folder[name]);
        using Stream stream = name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionLevel.Fastest) : file;
        stream.Write(Encoding.UTF8.GetBytes(text));
    }
}
