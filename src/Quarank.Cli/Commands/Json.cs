using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Quarank.Cli.Console;

namespace Quarank.Cli.Commands;

/// <summary>Results for scripts.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, // a broken model's perplexity may be infinite
    };

    private static readonly JsonSerializerOptions OneLine = new(Options) { WriteIndented = false };

    /// <summary>As a line of JSON Lines.</summary>
    public static void WriteLine(Terminal terminal, object value) =>
        terminal.Out.WriteLine(JsonSerializer.Serialize(value, OneLine));

    public static void Write(Terminal terminal, object value) => terminal.Out.WriteLine(Text(value));

    /// <summary>As <see cref="Write"/> would write it.</summary>
    public static string Text(object value) => JsonSerializer.Serialize(value, Options);

    /// <summary>To be a part of other results.</summary>
    public static JsonNode? Node(object value) => JsonSerializer.SerializeToNode(value, Options);
}
