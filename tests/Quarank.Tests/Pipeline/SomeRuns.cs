using System.Security.Cryptography;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Pipeline;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Pipeline;

/// <summary>A small random model with a recipe and a text, and runs in a folder that goes with the test.</summary>
public abstract class SomeRuns : IDisposable
{
    private static readonly string[] Beside = [".run", ".partial"];

    protected SomeRuns()
    {
        ModelFolder = TinyLlama.Write(Folder["model"]);
        File.WriteAllText(Folder["text.txt"], string.Concat(Enumerable.Range(0, 400).Select(i => $"{i * i} hens, ")));
        TheRecipe = new(new Gptq(new GridFormat(3, 16)), new([Folder["text.txt"]]) { Samples = 6, Length = 40 });
    }

    public static TheoryData<Propagation, Order> Ways => new()
    {
        { Propagation.Compressed, Order.Block },
        { Propagation.Compressed, Order.Site },
        { Propagation.Original, Order.Block },
    };

    internal TemporaryFolder Folder { get; } = new();

    protected string ModelFolder { get; }

    protected Recipe TheRecipe { get; }

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected sealed class Listener(Action<RunProgress> hear) : IProgress<RunProgress>
    {
        public void Report(RunProgress value)
        {
            lock (this) hear(value);
        }
    }

    protected CompressionReport Run(
        string name, Recipe recipe, RunOptions? options = null, IProgress<RunProgress>? progress = null) =>
        CompressionRun.Execute(ModelFolder, Folder[name], recipe, options, progress);

    protected string Refused(string name, Recipe recipe, RunOptions? options = null) =>
        Assert.Throws<InvalidDataException>(() => Run(name, recipe, options)).Message;

    /// <summary>Leaves a run folder with one finished block behind.</summary>
    protected void Leave(string name)
    {
        Run("left", TheRecipe, null, new Listener(p =>
        {
            if (p is { Block: 1, Phase: RunPhase.Observe } && !Directory.Exists(Folder[$"{name}.run"])) Copy("left", name);
        }));
        Directory.Delete(Folder["left"], recursive: true);
    }

    /// <summary>What a killed process would leave: everything beside the output folder of this name, as it is now.</summary>
    protected void Copy(string name, string to)
    {
        foreach (string ending in Beside)
        {
            if (!Directory.Exists(Folder[name + ending])) continue;
            Directory.CreateDirectory(Folder[to + ending]);
            foreach (string file in Directory.EnumerateFiles(Folder[name + ending]).Where(f => Path.GetFileName(f) != "lock"))
                File.Copy(file, Path.Combine(Folder[to + ending], Path.GetFileName(file)));
        }
    }

    protected SortedDictionary<string, string> Hashes(string name) => new(
        Directory.EnumerateFiles(Folder[name]).Where(f => Path.GetFileName(f) != CompressionReport.FileName)
            .ToDictionary(f => Path.GetFileName(f), f => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f)))),
        StringComparer.Ordinal);
}
