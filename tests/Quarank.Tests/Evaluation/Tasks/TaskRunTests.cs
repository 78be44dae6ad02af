using System.Text.Json;
using Quarank.Evaluation;
using Quarank.Evaluation.Tasks;
using Quarank.Evaluation.Tasks.Scoring;
using Quarank.Models;
using Quarank.Tests.Support;
using Quarank.Tests.Tokenizers;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Evaluation.Tasks;

/// <summary>Whole runs on a small random model, and figures of made-up scores.</summary>
public sealed class TaskRunTests : IDisposable
{
    private static readonly string[] Words = [" the", " aa"], FourAnswers = ["1", "2", "3", "4"];

    private readonly TemporaryFolder _folder = new();
    private readonly Model _model = SomeLlama.Build(51, ("vocab_size", 280), ("bos_token_id", 1)).Load();
    private readonly Tokenizer _tokenizer = TinyTokenizers.Load(TinyTokenizers.ByteLevel());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Acc_and_acc_norm_take_the_first_of_the_best_and_count_characters_not_units()
    {
        // 𝄞 is one character in two units of UTF-16; by units the first answer would win.
        var question = Question.Choose("q", ["𝄞𝄞", "abc"], 1);
        Assert.Equal([0, 1], Values("piqa", question, -3.0, -4.0));     // −3 / 2 < −4 / 3
        Assert.Equal([0, 0], Values("piqa", question, -4.0, -6.0));     // −4 / 2 = −6 / 3: a tie, the first counts
        Assert.Equal([1, 1], Values("piqa", question, -4.5, -4.0));
    }

    [Fact]
    public void Errors_are_those_of_a_mean_with_one_degree_of_freedom_less()
    {
        Lines("piqa/validation.jsonl", 7, i => $$"""{"goal":"g{{i}}","sol1":"a{{i}}","sol2":"the bb","label":{{i % 2}}}""");
        var result = Run("piqa").Tasks.Single();
        double right = result.Samples.Sum(s => s.Values[0]), mean = right / 7;
        Assert.Equal(mean, result.Metrics[0].Value, 1e-12);
        Assert.Equal(Math.Sqrt(mean * (1 - mean) / 6), result.Metrics[0].Error!.Value, 1e-12);   // √(p (1 − p) / (n − 1))
        Assert.Null(Run("piqa", new(_folder.Path, Limit: 1)).Tasks.Single().Metrics[0].Error);
    }

    [Fact]
    public void A_page_is_scored_as_its_tokens_are_foretold_one_by_one_and_counted_by_words_and_bytes_of_its_source()
    {
        string[] pages = ["the the @-@ one , two é . ", " = a = \n b"];
        Lines("wikitext/test.jsonl", 2, i => JsonSerializer.Serialize(new { page = pages[i] }));
        var metrics = Run("wikitext").Tasks.Single().Metrics.ToDictionary(m => m.Name, m => m.Value);

        string[] printed = ["the the-one, two é. ", " = a =\nb"];
        double loss = printed.Sum(p => new TokenLosses(_model).Of([1, .. _tokenizer.Encode(p)]).Sum(l => (double)l));
        // Words between spaces, the empty ones at the ends among them: 9 and 5. Bytes: 27 (é has two) and 10.
        Assert.Equal(Math.Exp(loss / 14), metrics["word_perplexity"], 1e-4 * metrics["word_perplexity"]);
        Assert.Equal(Math.Exp(loss / 37), metrics["byte_perplexity"], 1e-4 * metrics["byte_perplexity"]);
        Assert.Equal(loss / 37 / Math.Log(2), metrics["bits_per_byte"], 1e-4);
    }

    [Fact]
    public void Lambada_is_right_when_the_word_is_what_the_model_says()
    {
        int[] context = _tokenizer.Encode("the dog saw");
        string said = _tokenizer.Decode([Enumerable.Range(0, 256).MaxBy(id => _model.NewSession().Append(context)[id])]);
        Lines("lambada/test.jsonl", 2, i => JsonSerializer.Serialize(new { text = i == 0 ? "the dog saw the" : "the dog saw aa" }));
        var result = Run("lambada_openai").Tasks.Single();
        double[] expected = [.. Words.Select(w => -new TokenLosses(_model).Of(_tokenizer.Encode("the dog saw" + w), context.Length).Sum(l => (double)l))];
        Assert.Equal(expected, result.Samples.Select(s => s.Scores[0].LogLikelihood), (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.Equal(Math.Exp(-expected.Average()), result.Metrics[0].Value, 1e-4 * result.Metrics[0].Value);
        Assert.True(result.Metrics[0].Error > 0);
        Assert.Equal(0, result.Metrics[1].Value);
        Assert.NotEqual(" the", said);
    }

    [Fact]
    public void Examples_are_drawn_as_Python_draws_them_and_no_question_is_its_own()
    {
        Lines("piqa/validation.jsonl", 12, i => $$"""{"goal":"v{{i}}","sol1":"x","sol2":"y","label":0}""");
        Lines("piqa/train.jsonl", 9, i => $$"""{"goal":"t{{i}}","sol1":"x","sol2":"y","label":1}""");
        // random.Random(1234).sample(range(9), 3) twice: [7, 1, 0], [1, 0, 5]; the harness draws one more than the two it uses.
        var contexts = Prepare("piqa", new(_folder.Path, FewShot: 2, Limit: 2)).Questions.Select(q => q.Question.Pairs[0].Context);
        Assert.Equal([Examples("t7", "t1") + "Question: v0\nAnswer:", Examples("t1", "t0") + "Question: v1\nAnswer:"], contexts);

        foreach (var (_, question) in Prepare("piqa", new(_folder.Path, FewShot: 11, FewShotSplit: "validation")).Questions)
        {
            var goals = question.Pairs[0].Context.Split('\n').Where(l => l.StartsWith("Question", StringComparison.Ordinal)).ToList();
            Assert.Equal(12, goals.Count);
            Assert.Equal(12, goals.Distinct().Count());
        }
        Assert.Contains("12 documents are too few for 12 examples",
            Assert.Throws<InvalidDataException>(() => Prepare("piqa", new(_folder.Path, FewShot: 12, FewShotSplit: "validation"))).Message, StringComparison.Ordinal);

        static string Examples(params string[] goals) => string.Concat(goals.Select(g => $"Question: {g}\nAnswer: y\n\n"));
    }

    [Fact]
    public void Mmlu_takes_the_first_examples_and_weighs_its_subjects_by_size()
    {
        Lines("mmlu/all/dev.jsonl", 57 * 2, i => Mmlu(i / 2, i % 2 == 0 ? "first" : "second"));
        Lines("mmlu/all/test.jsonl", 57 * 3, i => Mmlu(i / 3, $"asked {i}"));
        var report = Run("mmlu", new(_folder.Path, FewShot: 1, Limit: 2));
        string context = report.Tasks[0].Samples[0].Question.Pairs[0].Context;
        Assert.StartsWith("The following are multiple choice questions (with answers) about abstract algebra.\n\nfirst\nA. 1\n", context, StringComparison.Ordinal);
        Assert.Contains("Answer: C\n\nasked 0\n", context, StringComparison.Ordinal);

        Assert.Equal(["mmlu", "mmlu_stem", "mmlu_other", "mmlu_social_sciences", "mmlu_humanities"], report.Groups.Select(g => g.Name));
        Assert.Equal(report.Tasks.SelectMany(t => t.Samples).Average(s => s.Values[0]), report.Groups[0].Metrics[0].Value, 1e-12);
        Assert.Equal(114, report.Groups[0].Documents);
        // Two of each subject: √( Σ (2 − 1) · 2 · e² / (114 − 57) / 114 ).
        double errors = report.Tasks.Sum(t => 2 * t.Metrics[0].Error!.Value * t.Metrics[0].Error!.Value);
        Assert.Equal(Math.Sqrt(errors / 57 / 114), report.Groups[0].Metrics[0].Error!.Value, 1e-12);
        Assert.Empty(Run("mmlu_anatomy").Groups);

        static string Mmlu(int subject, string question) => JsonSerializer.Serialize(new
        {
            question,
            subject = TaskTable.Find("mmlu")[subject].Name["mmlu_".Length..],
            choices = FourAnswers,
            answer = 2,
        });
    }

    [Fact]
    public void Progress_counts_documents_and_ends_at_the_whole()
    {
        Lines("piqa/validation.jsonl", 5, i => """{"goal":"g","sol1":"a","sol2":"b","label":0}""");
        var reports = new List<TaskProgress>();
        TaskRun.Execute(_model, _tokenizer, [Prepare("piqa", new(_folder.Path))], new Quarank.Pipeline.Immediate<TaskProgress>(reports.Add));
        Assert.Equal([1, 2, 3, 4, 5], reports.Select(r => r.Done));
        Assert.Equal(1, reports[^1].Fraction, 1e-12);
    }

    [Fact]
    public void The_json_has_the_harness_s_schema()
    {
        Lines("piqa/validation.jsonl", 5, i => $$"""{"goal":"g","sol1":"a","sol2":"b","label":{{i % 2}}}""");
        var json = HarnessJson.Of(Run("piqa", new(_folder.Path, Limit: 3)), "folder/model", 123, true, DateTimeOffset.UnixEpoch);
        Assert.Equal(["alias", "acc,none", "acc_stderr,none", "acc_norm,none", "acc_norm_stderr,none"], json["results"]!["piqa"]!.AsObject().Select(p => p.Key));
        Assert.Equal(1, json["versions"]!["piqa"]!.GetValue<double>());
        Assert.Equal(0, json["n-shot"]!["piqa"]!.GetValue<int>());
        Assert.Equal("""{"original":5,"effective":3}""", json["n-samples"]!["piqa"]!.ToJsonString());
        Assert.Equal("multiple_choice", json["configs"]!["piqa"]!["output_type"]!.GetValue<string>());
        Assert.Equal("pretrained=folder/model", json["config"]!["model_args"]!.GetValue<string>());
        Assert.Equal("[]", json["group_subtasks"]!["piqa"]!.ToJsonString());
        Assert.True(json["higher_is_better"]!["piqa"]!["acc"]!.GetValue<bool>());

        var sample = json["samples"]!["piqa"]![1]!;
        Assert.Equal((1, 1), (sample["doc_id"]!.GetValue<int>(), sample["target"]!.GetValue<int>()));
        Assert.Equal("""["Question: g\nAnswer:"," b"]""", sample["arguments"]![1]!.ToJsonString());
        Assert.Equal(2, sample["filtered_resps"]!.AsArray().Count);
        Assert.True(sample["filtered_resps"]![0]![0]!.GetValue<double>() < 0);
        Assert.Equal("6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b", sample["target_hash"]!.GetValue<string>());   // of "1"
        Assert.Null(HarnessJson.Of(Run("piqa"), "m", 1, false, DateTimeOffset.UnixEpoch)["samples"]);
    }

    private static double[] Values(string task, Question question, params double[] scores) =>
        TaskMetrics.OfDocument(TaskTable.Find(task)[0], question, [.. scores.Select(s => new Score(s, false))]);

    private static PreparedTask Prepare(string task, TaskSettings settings) => PreparedTask.Read(TaskTable.Find(task), settings)[0];

    private TaskReport Run(string task, TaskSettings? settings = null) =>
        TaskRun.Execute(_model, _tokenizer, PreparedTask.Read(TaskTable.Find(task), settings ?? new(_folder.Path)));

    private void Lines(string name, int count, Func<int, string> line)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        File.WriteAllLines(_folder[name], Enumerable.Range(0, count).Select(line));
    }
}
