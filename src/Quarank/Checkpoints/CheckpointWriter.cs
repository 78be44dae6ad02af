using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quarank.Checkpoints;

/// <summary>
/// Writes a model folder as Hugging Face's tools lay it out: config.json, model.safetensors or shards with their index, and the small files
/// of the model it came from. Everything is written to a hidden folder beside the output and renamed at the end, so that the output is
/// whole or absent; the same contents always give the same bytes.
/// </summary>
/// <param name="config">The model's config.json. Whatever stands under "quarank" is replaced by <see cref="Section"/>.</param>
/// <param name="tensors">Read a chunk at a time; their order decides which shard they go to.</param>
public sealed class CheckpointWriter(JsonElement config, IEnumerable<StoredTensor> tensors)
{
    /// <summary>The small files that belong to a model and are copied byte for byte.</summary>
    public static readonly IReadOnlyList<string> SmallFiles =
    [
        "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
        "generation_config.json", "chat_template.jinja", "chat_template.json", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE",
    ];

    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What config.json says under "quarank" about compressed layers and rotations; null for a model without any.</summary>
    public JsonNode? Section { get; init; }

    /// <summary>Goes into every weight file's <c>__metadata__</c>, with "format": "pt" where it names none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The folder whose <see cref="SmallFiles"/> are copied, if any.</summary>
    public string? FilesFrom { get; init; }

    /// <summary>Further files (a report, say): name in the folder → content.</summary>
    public IReadOnlyDictionary<string, byte[]> Files { get; init; } = new Dictionary<string, byte[]>();

    /// <summary>A shard has at most this many bytes of tensors, unless one tensor alone has more.</summary>
    public long MaxShardBytes { get; init; } = 5_000_000_000;

    internal Func<string, long, Stream> CreateFile { get; init; } = OutputFile.Create;

    /// <summary>Says early what <see cref="Write"/> would say late.</summary>
    /// <exception cref="IOException">Something is at that path, other than an empty folder.</exception>
    public static void RefuseExisting(string path)
    {
        if (File.Exists(path) || (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any()))
            throw new IOException($"{path}: exists already; choose another name, or remove it first.");
    }

    /// <exception cref="IOException">Something is at that path, the disk is full, or the place cannot be written.</exception>
    /// <exception cref="ArgumentException">Two tensors have one name.</exception>
    public void Write(string path, CancellationToken cancel = default)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        RefuseExisting(path);
        var shards = Shards.Cut(tensors, MaxShardBytes);
        string partial = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.partial");
        OutputFile.Guard(path, shards.TotalBytes, undo: () => Remove(partial), () =>
        {
            Remove(partial);   // of a run that was killed
            Directory.CreateDirectory(partial);
            WriteAll(partial, shards, cancel);
            if (Directory.Exists(path)) Directory.Delete(path);
            Directory.Move(partial, path);
        });
    }

    private void WriteAll(string folder, Shards shards, CancellationToken cancel)
    {
        var metadata = new Dictionary<string, string>(Metadata);
        metadata.TryAdd("format", "pt");
        foreach (var (name, content) in shards.Files)
            SafetensorsWriter.Write(Path.Combine(folder, name), new SafetensorsLayout(content, metadata), CreateFile, cancel);
        if (shards.Index is { } index) WriteSmall(folder, WeightFiles.Index, Text(index));

        var ours = JsonObject.Create(config)!;
        ours.Remove("quarank");
        if (Section != null) ours["quarank"] = Section.DeepClone();
        WriteSmall(folder, "config.json", Text(ours));

        if (FilesFrom != null)
            foreach (string name in SmallFiles.Where(n => File.Exists(Path.Combine(FilesFrom, n))))
                WriteSmall(folder, name, File.ReadAllBytes(Path.Combine(FilesFrom, name)));
        foreach (var (name, content) in Files) WriteSmall(folder, name, content);
    }

    private void WriteSmall(string folder, string name, byte[] content)
    {
        using var stream = CreateFile(Path.Combine(folder, name), content.Length);
        stream.Write(content);
        OutputFile.Finish(stream);
    }

    private static byte[] Text(JsonNode node) => System.Text.Encoding.UTF8.GetBytes(node.ToJsonString(Json) + "\n");

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
