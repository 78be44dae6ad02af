namespace Quarank.Evaluation.Tasks.Data;

/// <summary>
/// Where a task's documents lie below the data folder. For a name N and a split's word W the files are N/W, N.W and N_W, with one
/// of the endings of <see cref="DocumentFile.Endings"/>; parquet also in shards as N/W-00000-of-00002.parquet.
/// </summary>
/// <param name="Dataset">The data set's name on Hugging Face.</param>
/// <param name="Configuration">Its configuration there, if it has several.</param>
/// <param name="Fields">The fields that are read, for messages.</param>
/// <param name="Names">Tried in this order.</param>
public sealed record DataLayout(string Dataset, string? Configuration, string Fields, params string[] Names)
{
    private static readonly Dictionary<string, string[]> Words = new()
    {
        ["validation"] = ["validation", "valid", "val", "dev"],
    };

    private static readonly string[] Separators = ["/", ".", "_"];

    /// <summary>Only documents whose <c>subject</c> is this, where they have one.</summary>
    public string? Subject { get; init; }

    /// <summary>The files that hold a split; several when it lies in shards.</summary>
    /// <exception cref="FileNotFoundException">There are none; the message names those looked for.</exception>
    public IReadOnlyList<string> Find(string folder, string split, string task)
    {
        foreach (string path in Paths(folder, split))
        {
            foreach (string ending in DocumentFile.Endings)
                if (File.Exists(path + ending)) return [path + ending];
            string parent = Path.GetDirectoryName(path)!;
            if (!Directory.Exists(parent)) continue;
            var shards = Directory.GetFiles(parent, $"{Path.GetFileName(path)}-*-of-*.parquet");
            if (shards.Length > 0) return [.. shards.Order(StringComparer.Ordinal)];
        }
        string looked = string.Join(", ", Names.Select(name => $"{name}/{split}"));
        throw new FileNotFoundException(
            $"{folder}: no {split} split of {task}; looked for {looked} (also NAME.{split}, NAME_{split}) with an ending of "
            + $"{string.Join(", ", DocumentFile.Endings)}, fields {Fields}. Put it there, or name another folder with --data; see docs/tasks.md.");
    }

    private IEnumerable<string> Paths(string folder, string split) =>
        from name in Names
        from word in Words.GetValueOrDefault(split, [split])
        from separator in Separators
        select Path.Combine(folder, name + separator + word);
}
