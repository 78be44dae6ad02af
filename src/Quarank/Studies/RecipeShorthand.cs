using System.Globalization;
using System.Text.Json.Nodes;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>
/// Recipes in a word: <c>gptq:bits=3,group=64,clip</c>. Behind the method's name stand its options as in a recipe's JSON
/// (<c>name=value</c>, a bare name for true), and some short names for those used most. A plus puts a method around the one before it:
/// <c>gptq:group=64,clip+exact:directions=4</c>. <c>best</c> is the preset of each size.
/// </summary>
public static class RecipeShorthand
{
    /// <summary>
    /// Names, files and shorthands between commas. A part without a colon that is no recipe by itself belongs to the shorthand
    /// before it.
    /// </summary>
    /// <param name="lists">As given, one or more lists.</param>
    /// <param name="folder">Where short names are looked for, as <c>NAME.json</c>.</param>
    /// <exception cref="InvalidDataException">Something is no recipe; the message lists what is.</exception>
    public static IReadOnlyList<NamedRecipe> Parse(IEnumerable<string> lists, string? folder)
    {
        var words = new List<string>();
        foreach (string list in lists)
        {
            bool open = false;
            foreach (string part in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!open || Begins(part, folder)) words.Add(part);
                else words[^1] += $",{part}";
                open = words[^1].Contains(':', StringComparison.Ordinal);
            }
        }
        if (words.Count == 0) throw new InvalidDataException("No recipe is given.");
        if (words.GroupBy(w => w).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InvalidDataException($"The recipe '{twice.Key}' is given twice.");
        return [.. words.Select(w => One(w, folder))];
    }

    // "clip+exact:directions=4" and "eora" go on; "gptq+exact" and "gptq:clip" begin.
    private static bool Begins(string part, string? folder)
    {
        string first = part.Split('+', 2)[0];
        return first.Contains(':', StringComparison.Ordinal) || first == Presets.Word || (ShorthandTable.Methods.Contains(first) && !ShorthandTable.Wraps(first)) || FileOf(part, folder) is not null;
    }

    /// <summary>One recipe.</summary>
    public static NamedRecipe One(string word, string? folder)
    {
        if (FileOf(word, folder) is { } file) return new(Path.GetFileNameWithoutExtension(file), Recipe.Load(file));
        if (word == Presets.Word) return Presets.Named;
        JsonObject? json = null;
        foreach (string part in word.Split('+')) json = Wrap(json, part, word, folder);
        return new(word, Recipe.Parse(json!.ToJsonString(), $"recipe '{word}'"));
    }

    private static JsonObject Wrap(JsonObject? inner, string part, string word, string? folder)
    {
        string[] halves = part.Split(':', 2);
        string name = halves[0].Trim();
        if (!ShorthandTable.Methods.Contains(name))
            throw new InvalidDataException($"'{word}' is no recipe: there is no such file, {Known(folder)}and {(inner is null ? "it" : $"'{part}'")} does not begin with a method "
                + $"({string.Join(", ", ShorthandTable.Methods)}) as in gptq:bits=3,group=64,clip.");
        var method = ShorthandTable.Json(name);
        if (inner is not null) method["inner"] = inner["method"]!.DeepClone();
        var json = inner?.DeepClone().AsObject() ?? new JsonObject { ["calibration"] = new JsonObject { ["paths"] = new JsonArray() } };
        json["method"] = method;
        foreach (string option in (halves.Length > 1 ? halves[1] : "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = option.Split('=', 2);
            if (ShorthandTable.Wrapper(method, sides[0]) is { } wrapper)
            {
                var around = ShorthandTable.Json(wrapper);
                if (wrapper == "rounded-inputs" && (string?)method["method"] == "awq")
                {
                    // Inputs are rounded when they have been scaled.
                    around["inner"] = method["inner"]!.DeepClone();
                    method["inner"] = around;
                }
                else
                {
                    around["inner"] = method.DeepClone();
                    json["method"] = method = around;
                }
                if (ShorthandTable.Wraps(sides[0]))
                {
                    if (sides.Length > 1) around["rank"] = Value(sides[1]);
                    continue;
                }
            }
            var (place, value) = ShorthandTable.Find(method, sides[0], bare: sides.Length == 1);
            Set(json, place, sides is ["inputClip", "search"] ? null : Value(value ?? sides[1]));
        }
        return json;
    }

    private static void Set(JsonObject json, string place, JsonNode? value)
    {
        string[] path = place.Split('.');
        foreach (string part in path[..^1])
        {
            if (json[part] is not JsonObject inner) json[part] = inner = [];
            json = inner;
        }
        json[path[^1]] = value;
    }

    private static JsonNode Value(string text) =>
        bool.TryParse(text, out bool yes) ? yes
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int whole) ? whole
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number
        : text;

    private static string? FileOf(string word, string? folder)
    {
        if (File.Exists(word)) return word;
        if (folder is null || word.AsSpan().IndexOfAny("/\\:=") >= 0) return null;
        string file = Path.Combine(folder, $"{word}.json");
        return File.Exists(file) ? file : null;
    }

    private static string Known(string? folder) => folder is null || !Directory.Exists(folder) ? ""
        : $"it is not one of {string.Join(", ", Directory.EnumerateFiles(folder, "*.json").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal))}, ";
}
