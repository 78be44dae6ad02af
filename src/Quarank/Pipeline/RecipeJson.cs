using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Quarank.Compression;

namespace Quarank.Pipeline;

/// <summary>Recipes as strict JSON, with messages that say what would have been understood.</summary>
internal static class RecipeJson
{
    public static JsonSerializerOptions Options { get; } = Create();

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            PropertyNameCaseInsensitive = false,
            NumberHandling = JsonNumberHandling.Strict,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            ReadCommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
            AllowDuplicateProperties = false,
            AllowOutOfOrderMetadataProperties = true,
            RespectRequiredConstructorParameters = true,
            RespectNullableAnnotations = true,
            WriteIndented = true,
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        };
        // The walk below asks for types before anything has been serialized.
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    /// <summary>What may stand in a recipe's text besides plain JSON.</summary>
    public static JsonDocumentOptions Lenient => new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
    };

    /// <summary>Reads a recipe, or a part of one.</summary>
    public static T Parse<T>(string json, string source) where T : class
    {
        try
        {
            var node = JsonNode.Parse(json, documentOptions: Lenient);
            RefuseUnknown(node, typeof(T), source, "");
            return node.Deserialize<T>(Options) ?? throw new InvalidDataException($"{source}: the recipe is null.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw new InvalidDataException($"{source}: {e.Message.Split(" Path: ")[0]}{At(e)}", e);
        }
    }

    private static string At(Exception e) => e is JsonException { Path: { Length: > 2 } path } ? $" (at {path[2..]})" : "";

    /// <summary>Walks the record types beside the JSON, since the serializer's own message does not list what it knows.</summary>
    private static void RefuseUnknown(JsonNode? node, Type type, string source, string at)
    {
        var info = Options.GetTypeInfo(type);
        if (node is JsonArray list && info.ElementType is { } element)
            for (int i = 0; i < list.Count; i++) RefuseUnknown(list[i], element, source, $"{at}[{i}]");
        if (node is not JsonObject json) return;
        if (info.Kind == JsonTypeInfoKind.Dictionary)
            foreach (var (key, value) in json) RefuseUnknown(value, info.ElementType!, source, $"{at}.{key}");
        string? discriminator = null;
        if (info.PolymorphismOptions is { } forms)
        {
            discriminator = forms.TypeDiscriminatorPropertyName;
            string known = string.Join(", ", forms.DerivedTypes.Select(d => d.TypeDiscriminator));
            if (json[discriminator] is not JsonValue value || !value.TryGetValue(out string? name))
                throw new InvalidDataException($"{source}: '{at}' needs a \"{discriminator}\", one of {known}.");
            var form = forms.DerivedTypes.FirstOrDefault(d => name.Equals(d.TypeDiscriminator));
            if (form.DerivedType is null)
                throw new InvalidDataException($"{source}: {at}.{discriminator} \"{name}\" is not known; known: {known}.");
            info = Options.GetTypeInfo(form.DerivedType);
        }
        if (info.Kind != JsonTypeInfoKind.Object) return;
        foreach (var (key, value) in json)
        {
            if (key == discriminator) continue;
            string path = at.Length == 0 ? key : $"{at}.{key}";
            var known = info.Properties.Where(p => p.Set is not null || p.AssociatedParameter is not null).ToList();
            var property = known.Find(p => p.Name == key) ?? throw new InvalidDataException(
                $"{source}: key '{path}' is not known; known here: {string.Join(", ", known.Select(p => p.Name))}.");
            RefuseUnknown(value, property.PropertyType, source, path);
        }
    }
}
