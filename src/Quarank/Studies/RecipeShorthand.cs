using System.Globalization;
using System.Text.Json.Nodes;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>
/// Recipes in a word: <c>gptq:bits=3,group=64,clip</c>. Behind the method's name stand its options as in a recipe's JSON
/// (<c>name=value</c>, a bare name for true), and some short names for those used most.
/// </summary>
public static class RecipeShorthand
{
    private static readonly string[] Methods = ["rtn", "gptq", "awq", "lordq", "lordq-best", "lattice", "caldera", "quip", "svd", "asvd", "svd-llm", "res-svd", "lplr", "keep", "flexround", "lrq", "omniquant", "lrc"];

    // The place in the JSON, and the value of a bare name.
    private static readonly Dictionary<string, (string Place, string? Bare)> Short = new(StringComparer.Ordinal)
    {
        ["group"] = ("method.grid.groupSize", null),
        ["symmetric"] = ("method.grid.offset", "none"),
        ["clip"] = ("method.range", "clip"),
        ["scaleBits"] = ("method.grid.super.bits", null),
        ["superGroup"] = ("method.grid.super.columns", null),
        ["minima"] = ("method.grid.offset", "number"),
        ["k"] = ("method.blocks", null),
        ["p"] = ("method.pBits", null),
        ["q"] = ("method.qBits", null),
        ["steps"] = ("method.learning.steps", null),
        ["batch"] = ("method.learning.batch", null),
        ["rate"] = ("method.learning.rate", null),
        ["heldOut"] = ("method.learning.heldOut", null),
        ["propagate"] = ("propagate", null),
        ["order"] = ("order", null),
        ["seed"] = ("seed", null),
        ["weights"] = ("calibration.tokenWeights", null),
        ["normCut"] = ("calibration.normCut", null),
    };

    // Low rank alone: what its names stand for.
    private static readonly Dictionary<string, (string Place, JsonNode Value)[]> LowRank = new(StringComparer.Ordinal)
    {
        ["svd"] = [("weighting", "none")],
        ["asvd"] = [("weighting", "magnitude"), ("power", 0.5)],
        ["svd-llm"] = [("weighting", "gram")],
        ["res-svd"] = [("weighting", "gram"), ("residualShare", 0.25)],
    };

    // Factors for what a method leaves, by the name of their norm, whose value is the rank; and the options that are then theirs.
    private static readonly Dictionary<string, string> Corrections = new(StringComparer.Ordinal)
    {
        ["lqer"] = "none",
        ["l2qer"] = "magnitude",
        ["qera-approx"] = "rms",
        ["eora"] = "gram",
    };

    private static readonly string[] OfCorrection = ["factorBits", "factorGroupSize", "rounds", "factorsFirst", "weighted", "bitsPerWeight"];

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
                bool begins = !open || part.Contains(':', StringComparison.Ordinal) || Methods.Contains(part) || FileOf(part, folder) is not null;
                if (begins) words.Add(part);
                else words[^1] += $",{part}";
                open = words[^1].Contains(':', StringComparison.Ordinal);
            }
        }
        if (words.Count == 0) throw new InvalidDataException("No recipe is given.");
        if (words.GroupBy(w => w).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InvalidDataException($"The recipe '{twice.Key}' is given twice.");
        return [.. words.Select(w => One(w, folder))];
    }

    /// <summary>One recipe.</summary>
    public static NamedRecipe One(string word, string? folder)
    {
        if (FileOf(word, folder) is { } file) return new(Path.GetFileNameWithoutExtension(file), Recipe.Load(file));
        string[] halves = word.Split(':', 2);
        if (!Methods.Contains(halves[0]))
            throw new InvalidDataException($"'{word}' is no recipe: there is no such file, {Known(folder)}and it does not begin with a method "
                + $"({string.Join(", ", Methods)}) as in gptq:bits=3,group=64,clip.");
        return new(word, Recipe.Parse(Json(halves[0], halves.Length > 1 ? halves[1] : "").ToJsonString(), $"recipe '{word}'"));
    }

    private static JsonObject Json(string method, string options)
    {
        var json = new JsonObject { ["method"] = new JsonObject { ["method"] = method }, ["calibration"] = new JsonObject { ["paths"] = new JsonArray() } };
        var outer = new JsonObject();
        if (method == "lrc") (json["method"], outer["method"], outer["input"]) = (new JsonObject { ["method"] = "gptq" }, "lrc", new JsonObject { ["bits"] = 4 });
        if (method is "rtn" or "gptq" or "awq" or "lrc") json["method"]!["grid"] = new JsonObject { ["bits"] = 3, ["groupSize"] = 64 };
        if (method is "flexround" or "lrq" or "omniquant") json["method"]!["grid"] = new JsonObject { ["bits"] = 3 };
        if (LowRank.TryGetValue(method, out var meaning))
        {
            json["method"]!["method"] = "low-rank";
            foreach (var (place, value) in meaning) json["method"]![place] = value.DeepClone();
        }
        var pairs = options.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(o => o.Split('=', 2)).Select(s => (Name: s[0], Value: s.Length > 1 ? s[1] : null)).ToList();
        // AWQ's options but its own are those of what rounds.
        var own = new JsonObject { ["method"] = "awq" };
        if (method == "awq") (json["method"]!["method"], json["method"]!["range"]) = ("rtn", "output");
        var correction = pairs.Any(p => Corrections.ContainsKey(p.Name)) ? new JsonObject { ["method"] = "corrected" } : null;
        foreach (var (name, value) in pairs)
        {
            if (Corrections.TryGetValue(name, out string? weighting))
            {
                correction!["weighting"] = weighting;
                if (value is not null) correction["rank"] = Value(value);
            }
            else if (correction is not null && OfCorrection.Contains(name)) correction[name] = value is null ? true : Value(value);
            else if (method == "awq" && name is "fold" or "steps" or "activity") own[name] = value is null ? true : Value(value);
            else if (method == "awq" && name == "rounding") json["method"]!["method"] = value;
            else if (name is "inputs" or "inputGroup" or "inputClip" || method == "lrc" && OfLrc.Contains(name)) SetOuter(outer, name, Value(value ?? ""));
            else if (name == "bits") Set(json, BitsOf(method), Value(value ?? ""));
            else if (Short.TryGetValue(name, out var known)) Set(json, known.Place, Value(value ?? known.Bare ?? ""));
            else Set(json, $"method.{name}", value is null ? true : Value(value));
        }
        if (method == "awq") json["method"] = Around(own, json["method"]!);
        // The lattice and QuIP are methods for rotated weights.
        if (method is "lattice" or "quip")
        {
            var inner = (JsonObject)json["method"]!.DeepClone();
            json["method"] = new JsonObject { ["method"] = "incoherent", ["inner"] = inner };
            if (inner["rotation"]?.DeepClone() is { } rotation) json["method"]!["rotation"] = rotation;
            inner.Remove("rotation");
        }
        if (outer.Count > 0)
        {
            outer.TryAdd("method", "rounded-inputs");
            json["method"] = Around(outer, json["method"]!);
        }
        if (correction is not null)
        {
            correction["inner"] = json["method"]!.DeepClone();
            json["method"] = correction;
        }
        return json;
    }

    // Options of LRC itself; all others are those of the method inside.
    private static readonly string[] OfLrc = ["rank", "rankOf", "factorBits", "iterations"];

    private static void SetOuter(JsonObject outer, string name, JsonNode value)
    {
        if (name == "inputs") Set(outer, "input.bits", value);
        else if (name == "inputGroup") Set(outer, "input.groupSize", value);
        else if (name == "inputClip") outer["clip"] = value.ToString() == "search" ? null : value;
        else outer[name] = value;
    }

    private static JsonObject Around(JsonObject outer, JsonNode inner)
    {
        outer["inner"] = inner.DeepClone();
        return outer;
    }

    // Where a method says its bits.
    private static string BitsOf(string method) => method switch
    {
        "lordq" or "lordq-best" or "svd" or "asvd" or "svd-llm" or "res-svd" or "lplr" => "method.bitsPerWeight",
        "lattice" or "caldera" or "quip" => "method.bits",
        _ => "method.grid.bits",
    };

    private static void Set(JsonObject json, string place, JsonNode value)
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
