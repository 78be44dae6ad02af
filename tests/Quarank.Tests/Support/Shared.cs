using System.Runtime.CompilerServices;
using Xunit;

namespace Quarank.Tests.Support;

/// <summary>The folder of goldens and real models that may stand beside the project; tests that need it skip, by name, when it is absent.</summary>
internal static class Shared
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared"));

    /// <summary>The path of a file or folder under ../shared; skips the test when it is not there.</summary>
    public static string Find(params string[] parts)
    {
        string path = Path.Combine([Root, .. parts]);
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"needs ../shared/{string.Join('/', parts)}, which is absent");
        return path;
    }
}

/// <summary>Where the project's own files are.</summary>
internal static class Repository
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", ".."));

    private static string Here([CallerFilePath] string path = "") => path;
}
