using System.Text.Json;

namespace Quarank.Models.Architectures;

/// <summary>Reads config.json's values; every complaint names the key, what it must be and what stands there. A null counts as absent.</summary>
internal readonly struct ConfigReader(JsonElement element, string path = "", JsonElement? defaults = null)
{
    /// <summary>The same values, with those of <paramref name="others"/> where the file has no such key.</summary>
    public ConfigReader With(JsonElement others) => new(element, path, others);

    public bool Has(string key) => Find(key) is not null;

    /// <summary>Whether the key is in the file, even if as null.</summary>
    public bool Stands(string key) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out _);

    /// <summary>The names of all members that are not null.</summary>
    public IEnumerable<string> Keys() => element.EnumerateObject().Where(p => p.Value.ValueKind != JsonValueKind.Null).Select(p => p.Name);

    public int PositiveInt(string key) => OptionalPositiveInt(key) ?? throw Missing(key);

    public int? OptionalPositiveInt(string key) => Find(key) is not { } e ? null
        : e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int value) && value > 0 ? value
        : throw Wrong(key, "a positive integer", e);

    /// <summary>An integer from 0 on.</summary>
    public int Count(string key, int otherwise) => Find(key) is not { } e ? otherwise
        : e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int value) && value >= 0 ? value
        : throw Wrong(key, "an integer from 0 on", e);

    /// <summary>A finite number above 0; <paramref name="otherwise"/> when absent (required when that is null).</summary>
    public double PositiveNumber(string key, double? otherwise = null) => Find(key) is not { } e ? otherwise ?? throw Missing(key)
        : e.ValueKind == JsonValueKind.Number && e.TryGetDouble(out double value) && double.IsFinite(value) && value > 0 ? value
        : throw Wrong(key, "a number above 0", e);

    /// <summary>A list of finite numbers above 0.</summary>
    public IReadOnlyList<double> PositiveNumbers(string key)
    {
        var e = Find(key) ?? throw Missing(key);
        if (e.ValueKind != JsonValueKind.Array || e.EnumerateArray().Any(i => i.ValueKind != JsonValueKind.Number || !(i.GetDouble() > 0) || !double.IsFinite(i.GetDouble())))
            throw Wrong(key, "a list of numbers above 0", e);
        return [.. e.EnumerateArray().Select(i => i.GetDouble())];
    }

    public bool Flag(string key, bool otherwise = false) => Find(key) is not { } e ? otherwise
        : e.ValueKind is JsonValueKind.True or JsonValueKind.False ? e.GetBoolean()
        : throw Wrong(key, "true or false", e);

    public string? Text(string key) => Find(key) is not { } e ? null
        : e.ValueKind == JsonValueKind.String ? e.GetString()
        : throw Wrong(key, "a text", e);

    /// <summary>A list of texts; empty when absent.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        if (Find(key) is not { } e) return [];
        if (e.ValueKind != JsonValueKind.Array || e.EnumerateArray().Any(i => i.ValueKind != JsonValueKind.String))
            throw Wrong(key, "a list of texts", e);
        return [.. e.EnumerateArray().Select(i => i.GetString()!)];
    }

    /// <summary>Token ids: one integer, a list of them, or none.</summary>
    public IReadOnlyList<int> Ids(string key)
    {
        if (Find(key) is not { } e) return [];
        JsonElement[] items = e.ValueKind == JsonValueKind.Array ? [.. e.EnumerateArray()] : [e];
        var ids = new int[items.Length];
        for (int i = 0; i < items.Length; i++)
        {
            if (items[i].ValueKind != JsonValueKind.Number || !items[i].TryGetInt32(out ids[i])) throw Wrong(key, "a token id or a list of them", e);
        }
        return ids;
    }

    /// <summary>The object under <paramref name="key"/>, or null.</summary>
    public ConfigReader? Section(string key) => Find(key) is not { } e ? null
        : e.ValueKind == JsonValueKind.Object ? new ConfigReader(e, $"{path}{key}.")
        : throw Wrong(key, "an object", e);

    /// <summary>The value as it stands in the file, or null.</summary>
    public string? Raw(string key) => Find(key)?.GetRawText();

    private JsonElement? Find(string key)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"config.json must hold a JSON object, found {element.ValueKind}.");
        if (element.TryGetProperty(key, out var e)) return e.ValueKind != JsonValueKind.Null ? e : null;
        return defaults is { } d && d.TryGetProperty(key, out var otherwise) ? otherwise : null;
    }

    private InvalidDataException Missing(string key) => new($"config.json: '{path}{key}' is missing.");

    private InvalidDataException Wrong(string key, string expected, JsonElement found) =>
        new($"config.json: '{path}{key}' must be {expected}, found {found.GetRawText()}.");
}
