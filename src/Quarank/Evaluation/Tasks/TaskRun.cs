using System.Diagnostics;
using Quarank.Evaluation.Tasks.Scoring;
using Quarank.Models;
using Quarank.Tokenizers;

namespace Quarank.Evaluation.Tasks;

/// <summary>Asks a model the questions of tasks.</summary>
public static class TaskRun
{
    /// <summary>
    /// Scores all tasks, one after the other. Results do not depend on the number of threads, nor a task's on the tasks beside it.
    /// </summary>
    /// <exception cref="InvalidDataException">A question does not fit the model, or its logits are not numbers.</exception>
    public static TaskReport Execute(Model model, Tokenizer tokenizer, IReadOnlyList<PreparedTask> tasks, IProgress<TaskProgress>? progress = null)
    {
        var clock = Stopwatch.StartNew();
        var encoder = new SequenceEncoder(tokenizer, model.Spec);
        double all = tasks.Sum(t => t.Questions.Sum(q => Work(q.Question))), done = 0;
        var results = new List<TaskResult>();
        foreach (var task in tasks)
        {
            var scorer = new SequenceScorer(model);
            var scores = task.Questions.Select(q => new Score[q.Question.Pairs.Count]).ToList();
            for (int i = 0; i < scores.Count; i++)
            {
                Ask(task, i, encoder, scorer, scores[i], model.Spec.ContextLength);
                scorer.RunIfFull();
                done += Work(task.Questions[i].Question);
                progress?.Report(new(task.Definition.Name, i + 1, scores.Count, done / all));
            }
            scorer.Run();
            results.Add(Result(task, scores));
        }
        return new(results, Groups(results), clock.Elapsed.TotalSeconds) { TokenizerClass = tokenizer.ClassRules };
    }

    private static void Ask(PreparedTask task, int index, SequenceEncoder encoder, SequenceScorer scorer, Score[] scores, int context)
    {
        var (document, question) = task.Questions[index];
        Array.Fill(scores, new(0, true));
        for (int k = 0; k < scores.Length; k++)
        {
            int choice = k;
            var sequences = task.Definition.Kind == TaskKind.WholeText
                ? encoder.Windows(question.Pairs[k].Continuation, context)
                : [encoder.Pair(question.Pairs[k], document.Origin)];
            foreach (var sequence in sequences) scorer.Add(sequence, found => scores[choice] += found);
        }
    }

    // Characters to read, roughly: the context once, and every continuation.
    private static double Work(Question question) => question.Pairs[0].Context.Length + question.Pairs.Sum(p => p.Continuation.Length) + 1;

    private static TaskResult Result(PreparedTask task, List<Score[]> scores)
    {
        TaskSample[] samples =
        [
            .. task.Questions.Zip(scores, (q, s) => new TaskSample(q.Document, q.Question, s, TaskMetrics.OfDocument(task.Definition, q.Question, s))),
        ];
        return new(task, TaskMetrics.OfTask(task.Definition, samples), samples);
    }

    /// <summary>A group is reported when all its tasks were asked.</summary>
    private static List<GroupResult> Groups(List<TaskResult> results)
    {
        var groups = new List<GroupResult>();
        foreach (string name in results.SelectMany(r => r.Task.Definition.Groups.Reverse()).Distinct())
        {
            var members = results.Where(r => r.Task.Definition.Groups.Contains(name)).ToList();
            if (members.Count < TaskTable.Find(name).Count) continue;
            groups.Add(new(name, [.. members.Select(m => Member(m.Task.Definition, name)).Distinct()], TaskMetrics.OfGroup(members),
                members.Sum(m => m.Samples.Count)));
        }
        return groups;
    }

    private static string Member(TaskDefinition task, string group)
    {
        int at = task.Groups.ToList().IndexOf(group);
        return at == 0 ? task.Name : task.Groups[at - 1];
    }
}
