using System.Text;
using System.Text.Json;
using Quarank.Evaluation.Tasks.Data;

namespace Quarank.Evaluation.Tasks;

/// <summary>A task whose documents and examples were read, so that a missing file is known before a model is loaded.</summary>
public sealed class PreparedTask
{
    private PreparedTask(TaskDefinition definition, TaskSettings settings, IReadOnlyList<string> files, int count, IReadOnlyList<(Document, Question)> questions) =>
        (Definition, Settings, Files, DocumentCount, Questions) = (definition, settings, files, count, questions);

    public TaskDefinition Definition { get; }

    public TaskSettings Settings { get; }

    /// <summary>The files of the documents.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Documents in the files; of them the first are asked.</summary>
    public int DocumentCount { get; }

    /// <summary>What is asked, examples before it.</summary>
    public IReadOnlyList<(Document Document, Question Question)> Questions { get; }

    /// <summary>Solved examples before each question; a whole text has none.</summary>
    public int FewShot => Definition.ExampleSplit is null ? 0 : Settings.FewShot;

    /// <summary>Reads the data of tasks.</summary>
    /// <exception cref="FileNotFoundException">Data are missing; the message names the files looked for.</exception>
    /// <exception cref="InvalidDataException">Data are damaged, or there are fewer examples than asked for.</exception>
    public static IReadOnlyList<PreparedTask> Read(IEnumerable<TaskDefinition> tasks, TaskSettings settings)
    {
        var read = new Dictionary<string, IReadOnlyList<Document>>();
        return [.. tasks.Select(task => Read(task, settings, path => read.TryGetValue(path, out var known) ? known : read[path] = DocumentFile.Read(path)))];
    }

    private static PreparedTask Read(TaskDefinition task, TaskSettings settings, Func<string, IReadOnlyList<Document>> read)
    {
        var (files, documents) = Split(task, settings.DataFolder, task.Split, read);
        var asked = documents.Take(settings.Limit ?? int.MaxValue).ToList();
        var examples = Examples(task, settings, read);
        return new(task, settings, files, documents.Count, [.. asked.Select(d => (d, task.Read(d).After(examples(d))))]);
    }

    private static (IReadOnlyList<string> Files, List<Document> Documents) Split(
        TaskDefinition task, string folder, string split, Func<string, IReadOnlyList<Document>> read)
    {
        var files = task.Data.Find(folder, split, task.Name);
        var documents = files.SelectMany(read)
            .Where(d => task.Data.Subject is not { } subject || !d.Has("subject") || d.Text("subject") == subject).ToList();
        return documents.Count > 0 ? (files, documents) : throw new InvalidDataException($"{files[0]}: no documents of {task.Name}.");
    }

    /// <summary>The text before a question. Called for the documents in order, since every call draws on.</summary>
    private static Func<Document, string> Examples(TaskDefinition task, TaskSettings settings, Func<string, IReadOnlyList<Document>> read)
    {
        int count = settings.FewShot;
        if (count == 0 || task.ExampleSplit is null) return _ => task.Description;
        string split = settings.FewShotSplit ?? task.ExampleSplit;
        var (files, all) = Split(task, settings.DataFolder, split, read);
        int drawn = count + (task.DrawsOneMore(split) && !task.FirstExamples ? 1 : 0);
        if (drawn > all.Count)
            throw new InvalidDataException($"{files[0]}: {all.Count} documents are too few for {count} examples of {task.Name}; give a smaller --few-shot.");
        var random = new PythonRandom((uint)settings.FewShotSeed);
        return document =>
        {
            var indices = task.FirstExamples ? Enumerable.Range(0, drawn) : random.Sample(all.Count, drawn);
            var text = new StringBuilder(task.Description);
            foreach (var example in indices.Select(i => all[i]).Where(e => !JsonElement.DeepEquals(e.Fields, document.Fields)).Take(count))
                text.Append(task.Read(example).Solved).Append("\n\n");
            return text.ToString();
        };
    }
}
