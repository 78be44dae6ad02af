using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Layers;
using Quarank.Models;

namespace Quarank.Pipeline;

/// <summary>The tables that turn ids to states and states to logits, one where they are tied, and how a recipe rounds them.</summary>
internal static class ModelTables
{
    /// <summary>A table of a model.</summary>
    /// <param name="Name">Of its tensor, without <c>.weight</c>.</param>
    /// <param name="Bits">16 where it stays as it is stored.</param>
    public sealed record Table(string Name, int Rows, int Columns, int Bits, StoredTensor Stored)
    {
        /// <summary>Every bit it will take.</summary>
        public long PlannedBits => Bits == 16 ? 8 * Stored.ByteLength : TableRounding.FormatOf(Bits).BitsOf(Rows, Columns);

        public Linear Load() => DenseLinear.Load(Stored, Rows, Columns);
    }

    /// <exception cref="InvalidDataException">The two are tied, and the recipe wants different bits for them.</exception>
    public static IReadOnlyList<Table> Of(Checkpoint checkpoint, ModelSpec spec, Recipe recipe)
    {
        if (!spec.TiedHead) return [One(spec.Names.Embedding, recipe.EmbeddingBits), One(spec.Names.Head, recipe.HeadBits)];
        if (recipe is { EmbeddingBits: { } e, HeadBits: { } h } && e != h)
            throw new InvalidDataException(
                $"{checkpoint.Path}: head and embedding are one table in this model, which cannot have {h} and {e} bits; give one of the two.");
        return [One(spec.Names.Embedding, recipe.EmbeddingBits ?? recipe.HeadBits)];

        Table One(string name, int? bits) =>
            new(name, spec.VocabularySize, spec.TableWidth, bits ?? 16, checkpoint.Tensors[$"{name}.weight"]);
    }

    /// <summary>The rounded ones.</summary>
    public static IReadOnlyList<(Table Table, GridLinear Rounded)> Round(IReadOnlyList<Table> tables) =>
        [.. tables.Where(t => t.Bits != 16).Select(t => (t, TableRounding.Round(t.Load(), t.Bits)))];

    /// <summary>The embedding as it will be stored.</summary>
    public static Embedding Embedding(Checkpoint checkpoint, ModelSpec spec, Recipe recipe)
    {
        var table = Of(checkpoint, spec, recipe)[0];
        return Model.LoadEmbedding(checkpoint, spec, table.Bits == 16 ? null : TableRounding.Round(table.Load(), table.Bits));
    }

    /// <summary>The tensors whose place rounded tables take; a tied head that was stored all the same goes with the embedding.</summary>
    public static IEnumerable<string> Replaced(IReadOnlyList<Table> tables, ModelSpec spec)
    {
        foreach (var table in tables.Where(t => t.Bits != 16)) yield return $"{table.Name}.weight";
        if (spec.TiedHead && tables[0].Bits != 16) yield return $"{spec.Names.Head}.weight";
    }
}
