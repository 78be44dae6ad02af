using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quarank.Pipeline;

namespace Quarank.Studies;

/// <summary>
/// What was measured, a file for every piece, each under a hash of all that decides it: program, BLAS library, model, recipe with its knobs,
/// calibration tokens, and the text's or the questions' content.
/// </summary>
/// <param name="fresh">Whether what earlier processes kept does not count.</param>
internal sealed class ComparisonCache(string folder, bool fresh)
{
    private readonly HashSet<string> _own = [];

    /// <summary>SHA-256 of what decides a result.</summary>
    public static string Key(params IEnumerable<string> parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))))[..16];

    /// <summary>Null when nothing is kept, or what is kept cannot be read.</summary>
    /// <param name="kind">Of the piece: made, text, task, speed.</param>
    public T? TryLoad<T>(string kind, string key) where T : class
    {
        string file = FileOf(kind, key);
        if (fresh && !_own.Contains(file)) return null;
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<T>(File.ReadAllText(file), RunJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;   // measured again
        }
    }

    /// <summary>Keeps a piece and gives it back.</summary>
    public T Save<T>(string kind, string key, T piece) where T : class
    {
        string file = FileOf(kind, key);
        AtomicFile.WriteText(file, JsonSerializer.Serialize(piece, RunJson.Options));
        _own.Add(file);
        return piece;
    }

    private string FileOf(string kind, string key) => Path.Combine(folder, $"{kind}-{key}.json");
}
