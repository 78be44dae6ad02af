using System.Text.Json;
using System.Text.Json.Serialization;

namespace Quarank.Pipeline;

/// <summary>What runs write about themselves: as recipes, but an error may be infinite.</summary>
internal static class RunJson
{
    public static JsonSerializerOptions Options { get; } = new(RecipeJson.Options)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };
}
