using System.Runtime.Intrinsics;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Evaluation.Tasks;
using Quarank.Models;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Evaluation.Tasks;

/// <summary>Against lm-evaluation-harness in float32; the whole of each slice is in docs/results.md, here a few documents, for a test of seconds.</summary>
public class SmolLm2TaskTests
{
    private static readonly string[] Tasks = ["piqa", "arc_easy", "arc_challenge", "boolq", "hellaswag"];

    [Fact]
    public void The_first_documents_have_the_log_likelihoods_that_the_harness_finds()
    {
        string data = Shared.Find("data"), folder = Folder();
        var report = Run(folder, Tokenizer.Load(folder), Tasks, new(data, Limit: 4));
        foreach (var task in report.Tasks)
            foreach (var (sample, golden) in task.Samples.Zip(Golden(task.Task.Definition.Name))) AssertSample(golden, sample);
    }

    /// <summary>
    /// The goldens were made with transformers 5, which builds tokenizers of the class GPT2Tokenizer from vocabulary and merges alone and so
    /// leaves out the cut around digits that SmolLM2's tokenizer.json asks for. It shows where several spaces stand before a digit: in these two
    /// documents of 920, and by the rules of that class they agree here too.
    /// </summary>
    [Fact]
    public void Spaces_before_digits_agree_with_the_harness_by_the_rules_of_the_tokenizer_s_class()
    {
        string rows = Shared.Find("data", "piqa", "valid.jsonl"), labels = Shared.Find("data", "piqa", "valid-labels.lst"), folder = Folder();
        int[] documents = [139, 142];
        using var temporary = new TemporaryFolder();
        Directory.CreateDirectory(temporary["piqa"]);
        Pick(rows, "valid.jsonl");
        Pick(labels, "valid-labels.lst");

        var golden = Golden("piqa");
        var report = Run(folder, Tokenizer.Load(folder, TokenizerRules.Class), ["piqa"], new(temporary.Path));
        Assert.Equal("GPT2Tokenizer", report.TokenizerClass);
        foreach (var (sample, document) in report.Tasks[0].Samples.Zip(documents)) AssertSample(golden[document], sample);

        void Pick(string from, string name)
        {
            string[] lines = File.ReadAllLines(from);
            File.WriteAllLines(Path.Combine(temporary["piqa"], name), documents.Select(d => lines[d]));
        }
    }

    private static string Folder()
    {
        Assert.SkipUnless(Vector256.IsHardwareAccelerated, "SmolLM2 takes minutes without vector instructions");
        return SmolLm2.Folder();
    }

    private static TaskReport Run(string folder, Tokenizer tokenizer, string[] tasks, TaskSettings settings)
    {
        using var checkpoint = Checkpoint.Open(folder);
        return TaskRun.Execute(Model.Load(checkpoint), tokenizer, PreparedTask.Read(TaskTable.Find(tasks), settings));
    }

    private static JsonElement[] Golden(string task) =>
        [.. JsonDocument.Parse(File.ReadAllText(Shared.Find("golden", "smollm2-135m-instruct", "tasks", $"{task}.json"))).RootElement.GetProperty("samples").EnumerateArray()];

    private static void AssertSample(JsonElement golden, TaskSample sample)
    {
        Assert.Equal(golden.GetProperty("target").GetInt32(), sample.Question.Gold);
        // Both sides compute in float32, sums of up to 150 tokens; goldens have five decimals.
        Assert.Equal(golden.GetProperty("loglikelihoods").EnumerateArray().Select(e => e.GetDouble()), sample.Scores.Select(s => s.LogLikelihood),
            (a, b) => Math.Abs(a - b) < 2e-3);
    }
}
