using System.Text.Json;

namespace Quarank.Checkpoints;

/// <summary>
/// A model as it stands on disk: named tensors and a configuration. Either a Hugging Face folder (config.json, model.safetensors or shards
/// with their index) or a single safetensors file, which has tensors only.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    private const string WhatIsNeeded = "a model folder holds config.json, *.safetensors and a tokenizer";

    private readonly List<Safetensors> _files;
    private readonly JsonElement? _config;

    private Checkpoint(string path, string directory, List<Safetensors> files, JsonElement? config)
    {
        (Path, Directory, _files, _config) = (path, directory, files, config);
        Tensors = new(files.SelectMany(f => f.Tensors).ToDictionary(t => t.Name, StringComparer.Ordinal), source: path);
        Metadata = files[0].Metadata;
        FileBytes = files.Sum(f => f.FileBytes);
    }

    /// <summary>What was opened.</summary>
    public string Path { get; }

    /// <summary>The folder of the model; of a single file, the one it lies in.</summary>
    public string Directory { get; }

    public StoredTensors Tensors { get; }

    /// <summary>config.json, an object.</summary>
    /// <exception cref="InvalidDataException">A single file was opened, which has none.</exception>
    public JsonElement Config => _config ?? throw new InvalidDataException($"{Path}: a single file has no config.json; {WhatIsNeeded}.");

    /// <summary>The <c>__metadata__</c> of the first weight file.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The sizes of all weight files, headers included.</summary>
    public long FileBytes { get; }

    /// <exception cref="FileNotFoundException">Nothing is at that path.</exception>
    /// <exception cref="InvalidDataException">A file is missing from the folder, or one breaks the rules of its format.</exception>
    /// <exception cref="NotSupportedException">The weights are in a format we do not read.</exception>
    public static Checkpoint Open(string path)
    {
        bool isFolder = System.IO.Directory.Exists(path);
        if (!isFolder && !File.Exists(path)) throw new FileNotFoundException($"{path}: no such file or folder.", path);
        if (!isFolder && !path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            throw new NotSupportedException($"{path}: not a .safetensors file; {WhatIsNeeded}.");

        JsonElement? config = isFolder ? ReadConfig(path) : null;
        var files = isFolder ? WeightFiles.Open(path) : [Safetensors.Open(path)];
        return new(path, isFolder ? path : System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!, files, config);
    }

    public void Dispose() => _files.ForEach(f => f.Dispose());

    private static JsonElement ReadConfig(string folder)
    {
        string path = System.IO.Path.Combine(folder, "config.json");
        return File.Exists(path) ? JsonFile.ReadObject(path) : throw new InvalidDataException($"{folder}: no config.json; {WhatIsNeeded}.");
    }
}
