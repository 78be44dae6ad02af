using System.Text.RegularExpressions;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests;

/// <summary>Inside one assembly the compiler allows any folder to use any other; this keeps the arrows of docs/architecture.md.</summary>
public partial class LayeringTests
{
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Checkpoints"] = ["Numerics"],
        ["Tokenizers"] = [],
        ["Layers"] = ["Numerics", "Checkpoints"],
        ["Models"] = ["Numerics", "Checkpoints", "Layers"],
        ["Training"] = ["Numerics", "Models"],
        ["Compression"] = ["Numerics", "Layers"],
        ["Pipeline"] = ["Numerics", "Checkpoints", "Layers", "Models", "Training", "Compression", "Tokenizers"],
        ["Evaluation"] = ["Numerics", "Models", "Tokenizers"],
        ["Studies"] = ["Numerics", "Checkpoints", "Layers", "Models", "Compression", "Tokenizers", "Pipeline", "Evaluation"],
    };

    [Fact]
    public void Folders_use_only_the_folders_below_them()
    {
        string root = Path.Combine(Repository.Root, "src", "Quarank");
        foreach (string file in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
        {
            string folder = Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar)[0];
            Assert.True(MayUse.TryGetValue(folder, out var allowed), $"{file} lies in a folder that the table does not know");
            foreach (Match m in Using().Matches(File.ReadAllText(file)))
                Assert.True(m.Groups[1].Value == folder || allowed.Contains(m.Groups[1].Value), $"{file} uses {m.Groups[1].Value}");
        }
    }

    [GeneratedRegex(@"^using (?:static )?Quarank\.(\w+)", RegexOptions.Multiline)]
    private static partial Regex Using();
}
