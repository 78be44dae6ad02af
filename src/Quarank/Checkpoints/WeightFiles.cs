using System.Text.Json;

namespace Quarank.Checkpoints;

/// <summary>The safetensors files of a model folder: model.safetensors, or the shards that model.safetensors.index.json names.</summary>
internal static class WeightFiles
{
    public const string Single = "model.safetensors";
    public const string Index = "model.safetensors.index.json";

    public static List<Safetensors> Open(string folder)
    {
        string single = Path.Combine(folder, Single), index = Path.Combine(folder, Index);
        bool hasIndex = File.Exists(index);
        if (!hasIndex && !File.Exists(single)) throw Missing(folder);

        // The index's total_size is never read: it is a copy of what the files themselves say.
        var map = hasIndex ? ReadIndex(index) : null;
        if (map != null && File.Exists(single) && map.Values.Any(f => f != Single))
            throw new InvalidDataException($"{folder}: holds both {Single} and {Index}, which names other files; remove the one that is stale.");

        string[] names = map == null ? [Single] : [.. map.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var files = new List<Safetensors>();
        try
        {
            foreach (string name in names)
            {
                string path = Path.Combine(folder, name);
                if (!File.Exists(path)) throw new InvalidDataException($"{index}: names the shard {Quoted.Name(name)}, which is not in the folder.");
                files.Add(Safetensors.Open(path));
            }
            if (map != null) CheckPlaces(index, map, files);
            return files;
        }
        catch
        {
            files.ForEach(f => f.Dispose());
            throw;
        }
    }

    /// <summary>Tensor → file name.</summary>
    private static Dictionary<string, string> ReadIndex(string path)
    {
        if (!JsonFile.ReadObject(path).TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{path}: expected an object 'weight_map' of tensor names and file names.");

        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            string? file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
            if (file == null || file.AsSpan().ContainsAny("/\\:\0") || !file.EndsWith(".safetensors", StringComparison.Ordinal))
                throw new InvalidDataException(
                    $"{path}: tensor {Quoted.Name(entry.Name)}: expected the name of a .safetensors file in this folder, found {Quoted.Name(entry.Value.ToString())}.");
            files.Add(entry.Name, file);
        }
        if (files.Count == 0) throw new InvalidDataException($"{path}: 'weight_map' is empty.");
        return files;
    }

    private static void CheckPlaces(string index, Dictionary<string, string> map, List<Safetensors> files)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
            foreach (var tensor in file.Tensors)
            {
                string name = Path.GetFileName(file.Path);
                if (!map.TryGetValue(tensor.Name, out string? expected))
                    throw new InvalidDataException($"{index}: does not list tensor {Quoted.Name(tensor.Name)}, which {name} holds.");
                if (expected != name)
                    throw new InvalidDataException($"{index}: puts tensor {Quoted.Name(tensor.Name)} in {expected}, but {name} holds it.");
                found.Add(tensor.Name);
            }
        foreach (var (name, file) in map)
            if (!found.Contains(name))
                throw new InvalidDataException($"{index}: puts tensor {Quoted.Name(name)} in {file}, which does not hold it.");
    }

    private static Exception Missing(string folder)
    {
        var names = Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal).ToList();
        string? pickled = names.Find(n => n.EndsWith(".bin", StringComparison.Ordinal) && n.StartsWith("pytorch_model", StringComparison.Ordinal));
        if (pickled != null)
            return new NotSupportedException(
                $"{folder}: {pickled} is a pickle, which is not supported; convert it to safetensors (save_pretrained of transformers writes them).");
        string? other = names.Find(n => n.EndsWith(".safetensors", StringComparison.Ordinal));
        string hint = other == null ? "" : $" (there is {Quoted.Name(other)}, which has neither name)";
        return new InvalidDataException($"{folder}: expected {Single}, or {Index} and its shards; found neither{hint}.");
    }
}
