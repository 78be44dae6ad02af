using System.Runtime.Intrinsics;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Evaluation.Tasks;
using Quarank.Models;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Evaluation.Tasks;

public class SmolLm2TaskTests
{
    private static readonly string[] Tasks = ["piqa", "arc_easy", "arc_challenge", "boolq", "hellaswag"];

    /// <summary>The whole of each slice is in docs/results.md; here the first documents, for a test of seconds.</summary>
    [Fact]
    public void The_first_documents_have_the_log_likelihoods_that_the_harness_finds()
    {
        Assert.SkipUnless(Vector256.IsHardwareAccelerated, "SmolLM2 takes minutes without vector instructions");
        string data = Shared.Find("data");
        var goldens = Tasks.ToDictionary(t => t, t => JsonDocument.Parse(File.ReadAllText(Shared.Find("golden", "smollm2-135m-instruct", "tasks", $"{t}.json"))).RootElement);
        string folder = SmolLm2.Folder();
        using var checkpoint = Checkpoint.Open(folder);
        var report = TaskRun.Execute(Model.Load(checkpoint), Tokenizer.Load(folder), PreparedTask.Read(TaskTable.Find(Tasks), new(data, Limit: 4)));
        foreach (var task in report.Tasks)
            foreach (var (sample, golden) in task.Samples.Zip(goldens[task.Task.Definition.Name].GetProperty("samples").EnumerateArray()))
            {
                Assert.Equal(golden.GetProperty("target").GetInt32(), sample.Question.Gold);
                // Both sides compute in float32, a sum of up to 60 tokens; goldens have five decimals.
                Assert.Equal(golden.GetProperty("loglikelihoods").EnumerateArray().Select(e => e.GetDouble()), sample.Scores.Select(s => s.LogLikelihood),
                    (a, b) => Math.Abs(a - b) < 2e-3);
            }
    }
}
