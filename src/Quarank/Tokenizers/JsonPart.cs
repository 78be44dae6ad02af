using System.Text.Json;
using System.Text.Unicode;

namespace Quarank.Tokenizers;

/// <summary>
/// A JSON value that knows its file and its place there, so that whatever is wrong or not supported can be named.
/// </summary>
internal readonly struct JsonPart(JsonElement element, string file, string path)
{
    public string File => file;

    public string Path => path;

    public JsonElement Element => element;

    private string Place => path.Length == 0 ? "the file" : path;

    /// <summary>False for null and for a member that is not there.</summary>
    public bool Exists => element.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>The member of that name; one that does not exist when the object has none.</summary>
    public JsonPart this[string name]
    {
        get
        {
            Expect(JsonValueKind.Object, "an object");
            return new(Member(name), file, path.Length == 0 ? name : $"{path}.{name}");
        }
    }

    /// <summary>Opens a whole JSON text, plain or gzip.</summary>
    public static JsonPart Parse(string file)
    {
        try
        {
            using var stream = TokenizerFiles.Open(file);
            using var content = new MemoryStream();
            stream.CopyTo(content);
            // The parser looks at the bytes of strings only when they are asked for.
            if (!Utf8.IsValid(content.GetBuffer().AsSpan(0, (int)content.Length)))
                throw new InvalidDataException($"{file}: not valid UTF-8.");
            return Parse(content.GetBuffer().AsMemory(0, (int)content.Length), file);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file}: not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>A whole JSON text in UTF-8 that is called <paramref name="file"/>.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static JsonPart Parse(ReadOnlyMemory<byte> content, string file)
    {
        using var document = JsonDocument.Parse(content);
        var part = new JsonPart(document.RootElement.Clone(), file, "");
        part.Expect(JsonValueKind.Object, "an object");
        return part;
    }

    public string Text() => element.ValueKind == JsonValueKind.String ? Unescaped(element) : throw Wrong("a string");

    public string Text(string whenAbsent) => Exists ? Text() : whenAbsent;

    public int Integer() =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int value) ? value : throw Wrong("an integer");

    public bool Flag() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("true or false"),
    };

    public bool Flag(bool whenAbsent) => Exists ? Flag() : whenAbsent;

    public IEnumerable<JsonPart> Items()
    {
        Expect(JsonValueKind.Array, "an array");
        foreach (var item in element.EnumerateArray()) yield return new(item, file, path);
    }

    public IEnumerable<(string Name, JsonPart Value)> Members()
    {
        Expect(JsonValueKind.Object, "an object");
        foreach (var member in element.EnumerateObject())
            yield return (MemberName(member), new(member.Value, file, $"{path} member"));
    }

    public void Expect(JsonValueKind kind, string what)
    {
        if (element.ValueKind != kind) throw Wrong(what);
    }

    /// <summary>
    /// Refuses every option of this object that is not listed: an option nobody reads would be ignored in silence.
    /// </summary>
    public void AllowOnly(params string[] names)
    {
        Expect(JsonValueKind.Object, "an object");
        foreach (var member in element.EnumerateObject())
            if (!names.Contains(MemberName(member))) throw Unsupported($"option '{member.Name}'", names);
    }

    public NotSupportedException Unsupported(string what, params string[] known) =>
        new($"{file}: {Place}: {what} is not supported; known: {string.Join(", ", known)}.");

    public InvalidDataException Wrong(string expected)
    {
        string found = element.ValueKind == JsonValueKind.Undefined ? "nothing" : element.GetRawText();
        if (found.Length > 60) found = found[..60] + "…";
        return new($"{file}: {Place}: expected {expected}, found {found}.");
    }

    private JsonElement Member(string name)
    {
        try { return element.TryGetProperty(name, out var value) ? value : default; }
        catch (InvalidOperationException) { throw Wrong("member names of valid Unicode"); }
    }

    // An escaped lone surrogate passes the parser and fails only here.
    private string Unescaped(JsonElement text)
    {
        try { return text.GetString()!; }
        catch (InvalidOperationException) { throw Wrong("a string of valid Unicode"); }
    }

    private string MemberName(JsonProperty member)
    {
        try { return member.Name; }
        catch (InvalidOperationException) { throw Wrong("member names of valid Unicode"); }
    }
}
