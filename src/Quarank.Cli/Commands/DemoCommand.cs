using System.CommandLine;
using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Pipeline;

namespace Quarank.Cli.Commands;

/// <summary><c>quarank demo</c>: the whole path on the sample model; several methods, measured and heard.</summary>
internal sealed class DemoCommand : TaughtCommand
{
    private const string Opening = "Once upon a time there was";
    private const int StoryTokens = 60;

    /// <summary>The sample model was trained on sequences of this length, and foretells badly beyond it.</summary>
    private const int Length = 256;

    private static readonly (string Name, string Folder, Method Method)[] Runs =
    [
        ("GPTQ, 3 bits, groups of 64", "gptq-3", new Gptq(new GridFormat(3, 64), GridRange.Clip)),
        ("LoRDQ, 3 bits", "lordq-3", new Lordq(BitsPerWeight: 3)),
        ("GPTQ, 2 bits, groups of 64", "gptq-2", new Gptq(new GridFormat(2, 64), GridRange.Clip)),
        ("LoRDQ, 2 bits", "lordq-2", new Lordq(BitsPerWeight: 2)),
        ("Trellis, 2 bits", "trellis-2", new Incoherent(new Trellis(2))),
    ];

    private readonly Option<string?> _out = Inputs.Text(
        "--out", "FOLDER", "Where the compressed models go (runs/demo beside the samples).");

    public DemoCommand(Terminal terminal)
        : base("demo",
        "Compresses the sample model by several methods, loads each result again, measures it and lets it tell a story.",
        ("the whole path in a minute or two", "quarank demo"))
    {
        AddGroup("Options", _out, ComputeOptions.Threads);
        SetAction(parsed =>
        {
            ComputeOptions.Apply(parsed);
            string samples = FindSamples();
            new Show(terminal, samples, parsed.GetValue(_out) ?? Path.Combine(Path.GetDirectoryName(samples)!, "runs", "demo"))
                .Run();
            return Application.Success;
        });
    }

    /// <summary>The samples stand in the project's folder: above the built program, or where the user is.</summary>
    private static string FindSamples()
    {
        foreach (string start in new[] { AppContext.BaseDirectory, Directory.GetCurrentDirectory() })
            for (string? folder = Path.GetFullPath(start); folder is not null; folder = Path.GetDirectoryName(folder))
                if (File.Exists(Path.Combine(folder, "samples", "tales", "config.json"))) return Path.Combine(folder, "samples");
        throw new DirectoryNotFoundException("The folder samples/tales is not here; run the demo inside a copy of the project.");
    }

    private sealed class Show(Terminal terminal, string samples, string output)
    {
        private readonly string _original = Path.Combine(samples, "tales"), _tale = Path.Combine(samples, "evaluation.txt");
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public void Run()
        {
            Say("The model: samples/tales, a Llama of 5.5 million parameters that was trained on fairy tales.");
            Say("Each method compresses its 42 linear layers; the embedding stays. Then the result is loaded from the disk and measured on a tale it never saw.");
            var results = new List<(string Name, Measured Measured, string Story)> { Look("unchanged", _original) };
            foreach (var (name, folder, method) in Runs)
            {
                string path = Path.Combine(output, folder);
                Clear(path);
                var recipe = new Recipe(method,
                    new([Path.Combine(samples, "calibration.jsonl")]) { Samples = 96, Length = Length });
                CompressionView
                    .Follow(terminal, verbose: false, p =>
                    CompressionRun.Execute(_original, path, recipe, progress: p, token: terminal.Stop), name);
                results.Add(Look(name, path));
            }
            Write(results);
        }

        private (string, Measured, string) Look(string name, string path)
        {
            using var checkpoint = Checkpoint.Open(path);
            var measured = Measured.Of(terminal, new(terminal, checkpoint), _tale, Length, stride: null, segments: null);
            var story = Storyteller.Load(checkpoint)
                .Tell(Opening, begin: true, StoryTokens, new Sampler(0.7f, topP: 0.9f, seed: 3), _ => { }, withPrompt: false,
                terminal.Stop);
            Say($"{name}: perplexity {Units.Perplexity(measured.Perplexity)} with {Units.BitsPerWeight(measured.BitsPerWeight)} bits per weight");
            return (name, measured, Opening + story.Text);
        }

        private void Write(IReadOnlyList<(string Name, Measured Measured, string Story)> results)
        {
            terminal.Out.WriteLine();
            Tables.Write(terminal,
                [new("method"), new("bits per weight", true), new("file", true), new("perplexity", true), new("±", true)],
                results.Select(r =>
                    (IReadOnlyList<string>)[r.Name, Units.BitsPerWeight(r.Measured.BitsPerWeight),
                    Units.Bytes(r.Measured.FileBytes),
                    Units.Perplexity(r.Measured.Perplexity), Units.Perplexity(r.Measured.StandardError)]));
            foreach (var (name, _, story) in results)
            {
                terminal.Out.WriteLine();
                terminal.Out.WriteLine($"{name}:");
                foreach (string line in Paragraph(story)) terminal.Out.WriteLine($"    {line}");
            }
            terminal.Out.WriteLine();
            terminal.Out.WriteLine($"""
                Bits per weight count every stored byte of the compressed layers; a file also holds the embedding, {Units.Bytes(2 * 4096 * 256)} of float16.
                The compressed models are in {Shown(output)}: try `quarank inspect` or `quarank generate` on them.
                A real model next (see README.md for where to get it):
                    ./quarank compress SmolLM2-135M-Instruct runs/smol-lordq3 --method lordq --bits-per-weight 3 --calibration TEXT
                """);
            Say($"{Units.Duration(_clock.Elapsed.TotalSeconds)} in all");
        }

        /// <summary>Removes what an earlier demo left, and nothing else.</summary>
        private static void Clear(string folder)
        {
            if (File.Exists(Path.Combine(folder, CompressionReport.FileName))) Directory.Delete(folder, recursive: true);
        }

        private void Say(string line) => terminal.Error.WriteLine(line);

        private static string Shown(string path)
        {
            string relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
            return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
        }

        private static IEnumerable<string> Paragraph(string text) =>
            HelpView.Wrap(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), 90);
    }
}
