using System.Text.Json;
using System.Text.Unicode;

namespace Quarank.Checkpoints;

/// <summary>One line of a safetensors header. Bytes [Begin, End) of the data buffer hold the tensor.</summary>
internal sealed record SafetensorsEntry(string Name, ElementType Type, long[] Shape, long Begin, long End);

/// <summary>The JSON header of a safetensors file, every rule of the format checked.</summary>
internal sealed class SafetensorsHeader
{
    private readonly string _path;
    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private bool _hasMetadata;

    private SafetensorsHeader(string path) => _path = path;

    /// <summary>The tensors in the order of their bytes, which tile the buffer without hole or overlap.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; private set; } = [];

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Reads the header's JSON. Memory is bounded by a multiple of its length, whatever it claims.</summary>
    /// <exception cref="InvalidDataException">Any rule of the format is broken.</exception>
    /// <exception cref="NotSupportedException">A tensor's type exists elsewhere but not here.</exception>
    public static SafetensorsHeader Parse(string path, ReadOnlySpan<byte> json, long bufferLength)
    {
        var header = new SafetensorsHeader(path);
        if (json.IsEmpty || json[0] != '{') throw header.Refuse("the header does not start with '{'; this is not a safetensors file");
        if (!Utf8.IsValid(json)) throw header.Refuse("the header is not valid UTF-8");
        try
        {
            header.ReadTensors(json);
        }
        catch (JsonException e)
        {
            throw header.Refuse($"the header is not valid JSON ({e.Message})", e);
        }
        header.Entries = header.Tiled(bufferLength);
        return header;
    }

    private void ReadTensors(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        reader.Read();
        while (ReadMember(ref reader, "the header") is { } name)
        {
            reader.Read();
            if (name == "__metadata__") ReadMetadata(ref reader);
            else if (!_entries.TryAdd(name, ReadEntry(ref reader, name))) throw Refuse($"tensor {Quoted.Name(name)} is listed twice");
        }
        while (reader.Read()) { }   // refuses anything but white space behind the object
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (_hasMetadata) throw Refuse("__metadata__ is listed twice");
        _hasMetadata = true;
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Refuse($"__metadata__: expected an object of strings, found {Kind(reader.TokenType)}");
        while (ReadMember(ref reader, "__metadata__") is { } key)
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw Refuse($"__metadata__ {Quoted.Name(key)}: expected a string, found {Kind(reader.TokenType)}");
            if (!_metadata.TryAdd(key, Text(ref reader, "__metadata__"))) throw Refuse($"__metadata__ {Quoted.Name(key)} is listed twice");
        }
    }

    private SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        string tensor = $"tensor {Quoted.Name(name)}";
        if (reader.TokenType != JsonTokenType.StartObject) throw Refuse($"{tensor}: expected an object, found {Kind(reader.TokenType)}");

        ElementType? type = null;
        long[]? shape = null, offsets = null;
        while (ReadMember(ref reader, tensor) is { } key)
        {
            reader.Read();
            bool seen = key switch { "dtype" => type != null, "shape" => shape != null, "data_offsets" => offsets != null, _ => false };
            if (seen) throw Refuse($"{tensor}: '{key}' is listed twice");
            switch (key)
            {
                case "dtype": type = ReadType(ref reader, tensor); break;
                case "shape": shape = ReadNumbers(ref reader, tensor, key); break;
                case "data_offsets": offsets = ReadNumbers(ref reader, tensor, key); break;
                default: throw Refuse($"{tensor}: expected dtype, shape and data_offsets, found {Quoted.Name(key)}");
            }
        }
        if (type == null || shape == null || offsets == null)
            throw Refuse($"{tensor}: '{(type == null ? "dtype" : shape == null ? "shape" : "data_offsets")}' is missing");
        return Checked(tensor, new(name, type.Value, shape, 0, 0), offsets);
    }

    private SafetensorsEntry Checked(string tensor, SafetensorsEntry entry, long[] offsets)
    {
        if (offsets.Length != 2) throw Refuse($"{tensor}: expected two data_offsets, found {offsets.Length}");
        var (begin, end) = (offsets[0], offsets[1]);
        if (begin > end) throw Refuse($"{tensor}: its data_offsets end at {end}, before they begin at {begin}");
        string what = $"{entry.Type.SafetensorsName()} {TensorShape.Show(entry.Shape)}";
        if (!TensorShape.TryByteLength(entry.Shape, entry.Type, out long needed)) throw Refuse($"{tensor}: {what} has more than 2⁶³ bytes");
        if (needed != end - begin) throw Refuse($"{tensor} needs {needed} bytes for {what}, its data_offsets [{begin}, {end}] hold {end - begin}");
        return entry with { Begin = begin, End = end };
    }

    private ElementType ReadType(ref Utf8JsonReader reader, string tensor)
    {
        if (reader.TokenType != JsonTokenType.String) throw Refuse($"{tensor}: expected dtype as a string, found {Kind(reader.TokenType)}");
        string name = Text(ref reader, tensor);
        if (ElementTypes.TryParse(name, out var type)) return type;
        if (ElementTypes.IsKnownElsewhere(name))
            throw new NotSupportedException($"{_path}: {tensor}: dtype {name} is not supported; supported: {ElementTypes.Known}.");
        throw Refuse($"{tensor}: dtype {Quoted.Name(name)} is unknown; known: {ElementTypes.Known}");
    }

    private long[] ReadNumbers(ref Utf8JsonReader reader, string tensor, string key)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Refuse($"{tensor}: expected {key} as an array, found {Kind(reader.TokenType)}");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number)
                throw Refuse($"{tensor}: expected whole numbers in {key}, found {Kind(reader.TokenType)}");
            if (!reader.TryGetInt64(out long number) || number < 0)
                throw Refuse($"{tensor}: expected whole numbers from 0 to 2⁶³ − 1 in {key}, found {Quoted.Name(Raw(ref reader))}");
            numbers.Add(number);
        }
        return [.. numbers];
    }

    /// <summary>The entries in the order of their bytes; refuses holes, overlaps and bytes beyond either end.</summary>
    private List<SafetensorsEntry> Tiled(long bufferLength)
    {
        var ordered = _entries.Values.OrderBy(e => e.Begin).ThenBy(e => e.End).ThenBy(e => e.Name, StringComparer.Ordinal).ToList();
        long position = 0;
        string previous = "the start of the data";
        foreach (var e in ordered)
        {
            string tensor = $"tensor {Quoted.Name(e.Name)}";
            if (e.Begin < position) throw Refuse($"{tensor} begins at {e.Begin} and overlaps {previous}, which ends at {position}");
            if (e.Begin > position) throw Refuse($"{tensor} begins at {e.Begin}, {e.Begin - position} unused bytes after {previous}");
            if (e.End > bufferLength)
                throw Refuse($"{tensor} ends at {e.End}, but the file holds {bufferLength} bytes of data; it was cut short or its header lies");
            (position, previous) = (e.End, tensor);
        }
        if (position < bufferLength) throw Refuse($"the tensors end at {position}, but the file holds {bufferLength} bytes of data");
        return ordered;
    }

    private string? ReadMember(ref Utf8JsonReader reader, string where) =>
        reader.Read() && reader.TokenType == JsonTokenType.PropertyName ? Text(ref reader, where) : null;

    private string Text(ref Utf8JsonReader reader, string where)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)   // an escape such as \ud800 that is half a character
        {
            throw Refuse($"{where}: a string is not valid Unicode", e);
        }
    }

    private static string Raw(ref Utf8JsonReader reader) => System.Text.Encoding.UTF8.GetString(reader.ValueSpan);

    private static string Kind(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        _ => token.ToString().ToLowerInvariant(),
    };

    private InvalidDataException Refuse(string what, Exception? inner = null) => new($"{_path}: {what}.", inner);
}
