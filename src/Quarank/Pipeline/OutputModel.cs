using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Layers;

namespace Quarank.Pipeline;

/// <summary>The folder that a run leaves behind: written aside, completed by its report, then renamed.</summary>
internal static class OutputModel
{
    /// <summary>
    /// The original's folder with the compressed layers' tensors in the place of their weights; all else as it was stored.
    /// </summary>
    public static void Write(
        string folder, Checkpoint original, Recipe recipe, RunDirectory run, IReadOnlyList<LayerReport> layers,
        IReadOnlyList<TableReport> tables, StoredTensors tableTensors, IEnumerable<string> replacedTables, CancellationToken token)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);   // of an attempt that was killed
        var blocks = new List<Checkpoint>();
        try
        {
            for (int i = 0; i < run.Blocks.Count; i++) blocks.Add(run.Open(i));
            var replaced = layers.Select(l => $"{l.Name}.weight").Concat(replacedTables).ToHashSet(StringComparer.Ordinal);
            replaced.UnionWith(blocks.SelectMany(b => b.Tensors.Names));
            var tensors = original.Tensors.All.Where(t => !replaced.Contains(t.Name))
                .Concat(blocks.SelectMany(b => b.Tensors.All)).Concat(tableTensors.All);
            new CheckpointWriter(original.Config, tensors.OrderBy(t => t.Name, StringComparer.Ordinal))
            {
                Section = Section(original.Config, recipe, layers, tables),
                Metadata = original.Metadata,
                FilesFrom = original.Directory,
            }.Write(folder, token);
        }
        finally
        {
            blocks.ForEach(b => b.Dispose());
        }
    }

    public static long TensorBytes(string folder) =>
        Directory.EnumerateFiles(folder, "*.safetensors").Sum(f => new FileInfo(f).Length);

    /// <summary>SHA-256 of every file.</summary>
    public static SortedDictionary<string, string> Hashes(string folder) => new(
        Directory.EnumerateFiles(folder).ToDictionary(f => Path.GetFileName(f), RunDirectory.HashOf), StringComparer.Ordinal);

    public static void Publish(string folder, string outFolder)
    {
        if (Directory.Exists(outFolder)) Directory.Delete(outFolder);
        Directory.Move(folder, outFolder);
    }

    /// <summary>What stands under "quarank" in config.json.</summary>
    private static JsonObject Section(JsonElement original, Recipe recipe, IReadOnlyList<LayerReport> layers, IReadOnlyList<TableReport> tables)
    {
        // A rotated model stays one.
        JsonNode? rotation = original.TryGetProperty("quarank", out var before) && before.TryGetProperty("rotation", out var turned)
            ? JsonNode.Parse(turned.GetRawText()) : null;
        var section = new JsonObject
        {
            ["version"] = rotation is null ? 1 : before.GetProperty("version").GetInt32(),
            ["method"] = JsonSerializer.SerializeToNode<Method>(recipe.Method, RecipeJson.Options),
        };
        if (rotation is not null) section["rotation"] = rotation;
        if (recipe.Layers is not null) section["methods"] = JsonSerializer.SerializeToNode(recipe.Layers, RecipeJson.Options);
        var forms = layers.Select(l => (l.Name, l.Form)).Concat(tables.Where(t => t.Form is not DenseFormat).Select(t => (t.Name, t.Form)));
        section["layers"] = new JsonObject(forms.Select(
            l => KeyValuePair.Create(l.Name, JsonSerializer.SerializeToNode<LinearFormat>(l.Form, RecipeJson.Options))));
        return section;
    }
}
