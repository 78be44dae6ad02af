using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>Methods and forms in a few words.</summary>
internal static class ComparisonText
{
    /// <summary>
    /// "gptq, 3 bits, groups of 64, clip": the method's name, its size, and every property that is not at its default.
    /// </summary>
    public static string Describe(Recipe recipe)
    {
        string method = Describe(recipe.Method);
        return recipe.Layers is { Count: > 0 } layers ? $"{method}; {layers.Count} layers by methods of their own" : method;
    }

    /// <summary>A method around another one stands behind it: "gptq, 3 bits, rows + exact, directions 4".</summary>
    public static string Describe(Method method) => method is Corrected corrected ? $"{Describe(corrected.Inner)} + {Correction(corrected)}" : Describe(Json(method));

    private static string Describe(JsonObject json)
    {
        string name = (string)json["method"]!, inside = json["inner"] is JsonObject inner ? $"{Describe(inner.Deserialize<Method>(RecipeJson.Options)!)} + " : "";
        var usual = new JsonObject { ["method"] = name };
        foreach (string key in new[] { "grid", "inner" })
            if (json[key] is { } part) usual[key] = part.DeepClone();
        var parts = new List<string> { name };
        if (json["grid"] is JsonObject grid && Grid(grid) is { } format) parts.Add(Describe(format));
        var defaults = Json(usual.Deserialize<Method>(RecipeJson.Options)!);
        foreach (var (key, value) in json)
            if ((key is "bits" or "bitsPerWeight") && value is not null) parts.Add(FormattableString.Invariant($"{value!.GetValue<double>():0.###} bits"));
            else if (key is not ("method" or "inner") && (key != "grid" || parts.Count == 1) && ((key == "rank" && value is not null) || !JsonNode.DeepEquals(value, defaults[key]))) parts.Add(Words(key, value));
        return inside + string.Join(", ", parts);
    }

    private static string Correction(Corrected c)
    {
        string name = c.Weighting switch
        {
            InputWeighting.None => "lqer",
            InputWeighting.Magnitude => "l2qer",
            InputWeighting.Rms => "qera-approx",
            _ => "eora",
        };
        string size = c.BitsPerWeight is { } bits ? FormattableString.Invariant($"up to {bits:0.###} bits") : $"rank {c.Rank}";
        return $"{name} {size}, {c.FactorBits}-bit factors{(c.Rounds > 0 ? $", {c.Rounds} rounds more" : "")}{(c.FactorsFirst ? ", factors first" : "")}";
    }

    // Null for a grid of another kind, which is told as it stands.
    private static GridFormat? Grid(JsonObject grid)
    {
        try
        {
            return grid.Deserialize<GridFormat>(RecipeJson.Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>"3 bits, groups of 64", "rank 21, 4 bits x 4 bits"; sums with a plus between.</summary>
    public static string Describe(LinearFormat format) => format switch
    {
        DenseFormat => "dense",
        GridFormat g => $"{g.Bits} bits, {(g.GroupSize == 0 ? "rows" : $"groups of {g.GroupSize}")}{(g.Offset == GridOffset.None ? ", symmetric" : "")}",
        CodebookFormat c => $"table of {c.Bits} bits, {(c.GroupSize == 0 ? "rows" : $"groups of {c.GroupSize}")}",
        ProductFormat p => $"rank {p.Rank}, {Factor(p.Left)} x {Factor(p.Right)}",
        SumFormat s => string.Join(" + ", s.Terms.Select(Describe)),
        SelectionFormat s => $"{s.Count} columns, {Describe(s.Selected)}",
        var other => other.ToString(),
    };

    /// <summary>Components of a low-rank form; null for others.</summary>
    public static int? Rank(LinearFormat format) => format switch
    {
        ProductFormat p => p.Rank,
        SumFormat s => s.Terms.Sum(Rank),
        _ => null,
    };

    private static string Factor(LinearFormat format) => format switch
    {
        GridFormat g => $"{g.Bits} bits",
        CodebookFormat c => $"{c.Bits} bits by table",
        DenseFormat => "16 bits",
        var other => $"({Describe(other)})",
    };

    private static JsonObject Json(Method method) => JsonSerializer.SerializeToNode(method, RecipeJson.Options)!.AsObject();

    private static string Words(string key, JsonNode? value) => value switch
    {
        JsonValue v when v.TryGetValue(out bool yes) => yes ? key : $"no {key}",
        JsonValue v when v.TryGetValue(out string? word) => key == "range" ? word : $"{key} {word}",
        _ => $"{key} {value?.ToJsonString(RecipeJson.Options) ?? "none"}",
    };
}
