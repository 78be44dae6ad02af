using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Layers;
using Quarank.Pipeline;
using Quarank.Tokenizers;

namespace Quarank.Cli.Commands;

/// <summary>A compression run for the eye: its plan, its progress, its report.</summary>
internal static class CompressionView
{
    /// <summary>Runs something of blocks while its progress is shown.</summary>
    public static T Follow<T>(Terminal terminal, string title, Func<IProgress<RunProgress>, T> run)
    {
        using var view = new ProgressView(terminal, title);
        return run(new Immediate<RunProgress>(p => view.Report(p.Total, Describe(p))));
    }

    /// <summary>Runs <paramref name="run"/> while its progress is shown.</summary>
    public static CompressionReport Follow(Terminal terminal, bool verbose, Func<IProgress<RunProgress>, CompressionReport> run,
        string title = "compress")
    {
        using var view = new ProgressView(terminal, title);
        return run(new Immediate<RunProgress>(p =>
        {
            view.Report(p.Total, Describe(p));
            if (p.Finished is not { } layer) return;
            if (verbose)
                view.WriteLine(Units.Invariant(
                    $"{layer.Name,-40} {layer.BitsPerWeight,7:0.000} bits  error {layer.RelativeError,8:0.0000}  {Units.Duration(layer.Seconds),8}{Sinks(layer)}"));
            foreach (string note in layer.Notes) view.WriteLine($"{layer.Name}: {note}");
        }));
    }

    public static void Write(Terminal terminal, CompressionReport report, string output)
    {
        var kinds = report.Layers.GroupBy(l => l.Name[(l.Name.LastIndexOf('.') + 1)..]);
        Tables.Write(terminal,
            [new("layer"), new("count", true), new("bits per weight", true), new("relative error", true), new("worst", true),
                new("seconds", true)],
            kinds.Select(g => (IReadOnlyList<string>)[g.Key, Units.Count(g.Count()),
                Units.BitsPerWeight((double)g.Sum(l => l.Bits) / g.Sum(l => (long)l.Rows * l.Columns)),
                Units.Invariant($"{g.Average(l => l.RelativeError):0.0000}"),
                    Units.Invariant($"{g.Max(l => l.RelativeError):0.0000}"),
                Units.Invariant($"{g.Sum(l => l.Seconds):0.0}")]));
        foreach (var table in report.Tables.Where(t => t.Form is not DenseFormat))
            terminal.Out.WriteLine(Units.Invariant(
                $"{table.Name}: {table.BitsPerWeight:0.000} bits per weight, {100 * table.RelativeError:0.####} % of its square norm lost"));
        WriteSinks(terminal, report.Layers);
        WriteLearned(terminal, report.Learned);
        WriteRounded(terminal, report);
        terminal.Out.WriteLine();
        WritePhases(terminal, report.Seconds);
        terminal.Out.WriteLine();
        if (report.StoppedAfter is { } blocks)
        {
            Tables.WritePairs(terminal,
            [
                ("blocks finished", Units.Count(blocks)),
                ("bits per weight", Units.BitsPerWeight(report.BitsPerWeight)),
                ("relative error", Units.Invariant($"{report.MeanRelativeError:0.0000} (mean of {report.Layers.Count} layers)")),
                ("time", Units.Invariant($"{Units.Duration(report.Seconds.Sum())}, {Units.Duration(report.Seconds.Sum() / blocks)} a block")),
                ("peak memory", PeakMemory(report)),
            ]);
            terminal.Error.WriteLine($"stopped as asked; the same command without --stop-after goes on to {output}");
            return;
        }
        Tables.WritePairs(terminal,
        [
            ("model", output),
            ("weights", Units.Bytes(report.FileBytes)),
            ("bits per weight", WithTables(report.BitsPerWeight, report.BitsPerWeightWithTables)),
            .. Experts(report.Layers),
            ("relative error", Units.Invariant($"{report.MeanRelativeError:0.0000} (mean of {report.Layers.Count} layers)")),
            ("time", Units.Duration(report.Seconds.Sum())),
            ("peak memory", PeakMemory(report)),
            ("report", Path.Combine(output, CompressionReport.FileName)),
        ]);
    }

    /// <summary>How many calibration tokens the experts of a model saw, if it has any.</summary>
    private static IEnumerable<(string, string)> Experts(IReadOnlyList<LayerReport> layers)
    {
        // An expert's layers saw the same tokens, so one of each will do.
        var experts = layers.Where(l => l.RoutedTokens is not null).DistinctBy(l => l.Name[..l.Name.LastIndexOf('.')]).ToList();
        if (experts.Count == 0) yield break;
        int few = experts.Count(l => l.RoutedTokens < l.Tokens);
        yield return ("experts", Units.Invariant(
            $"{experts.Count}, each saw {experts.Min(l => l.RoutedTokens):N0} to {experts.Max(l => l.RoutedTokens):N0} tokens{(few == 0 ? "" : $"; {few} saw too few and were fitted to all")}"));
    }

    /// <summary>What a run is going to take, and the steps it takes to stay within it.</summary>
    public static string Memory(Plan plan)
    {
        string[] steps = [.. plan.Memory.Words()];
        return $"memory: at most about {Units.Bytes(plan.PeakMemoryBytes)}{(steps.Length > 0 ? $" ({string.Join(", ", steps)})" : "")}. {plan.Memory.Parts()}.";
    }

    private static string PeakMemory(CompressionReport report) =>
        Units.Bytes(report.PeakMemoryBytes) + (report.PlannedMemoryBytes is { } planned ? $" (planned: at most about {Units.Bytes(planned)})" : "");

    private static void WritePhases(Terminal terminal, PhaseSeconds s)
    {
        (string Phase, double Seconds)[] phases =
        [
            ("read and tokenize the texts", s.Calibrate), ("go on from an earlier attempt", s.Resume), ("read weights", s.Read),
            ("forward", s.Observe), ("Gram matrices", s.Gram), ("compress", s.Compress), ("measure the error", s.Loss),
            ("forward as stored", s.Forward), ("keep finished blocks", s.Store), ("write the model", s.Write),
        ];
        Tables.Write(terminal, [new("phase"), new("seconds", true), new("share", true)],
            phases.Where(p => p.Seconds >= 0.005).Select(p =>
                (IReadOnlyList<string>)[p.Phase, Units.Invariant($"{p.Seconds:0.0}"), Units.Invariant($"{100 * p.Seconds / s.Sum():0.0} %")]));
    }

    /// <summary>What learning did to each block's error, on what it learned from and on what it did not see.</summary>
    private static void WriteLearned(Terminal terminal, IReadOnlyList<LearningReport> learned)
    {
        if (learned.Count == 0) return;
        static string Error(double? error) => error is { } e ? Units.Invariant($"{e:0.000000}") : "-";
        terminal.Out.WriteLine();
        Tables.Write(terminal, [new("block"), new("steps", true), new("error rounded", true), new("learned", true), new("unseen: rounded", true), new("learned", true), new("")],
            learned.Select((l, i) => (IReadOnlyList<string>)[Units.Count(i), Units.Count(l.Steps), Error(l.Before), Error(l.After),
                Error(l.HeldOutBefore), Error(l.HeldOutAfter), l.Kept ? "" : "rounded kept"]));
    }

    /// <summary>Lines on the layers where a few tokens own most of what was gathered.</summary>
    private static void WriteSinks(Terminal terminal, IReadOnlyList<LayerReport> layers)
    {
        const double most = 0.5;
        foreach (var layer in layers.Where(l => l.SinkShare > most).DistinctBy(l => (l.Sink, l.SinkTokens)))
            terminal.Error.WriteLine(Units.Invariant(
                $"sinks: {layer.Name}: {layer.SinkTokens} of {layer.Tokens} tokens, up to {layer.Sink:0.#} times the median norm, own {100 * layer.SinkShare:0.#} % of the trace; token weights {Word(layer.TokenWeights)}"));
    }

    /// <summary>What came out worse than plain rounding, in a line.</summary>
    private static void WriteRounded(Terminal terminal, CompressionReport report)
    {
        var worse = report.Layers.Where(l => l.PlainRounding is not null).ToList();
        if (worse.Count == 0) return;
        var worst = worse.MaxBy(l => l.Replaced ? 0 : l.RelativeError / l.PlainRounding!.Value)!;
        string became = report.Recipe.Fallback ?? true ? "were replaced by it" : Units.Invariant($"are kept as asked; the worst is {worst.Name} ({worst.RelativeError:0.0000} against {worst.PlainRounding:0.0000})");
        terminal.Error.WriteLine(Units.Invariant(
            $"plain rounding: {worse.Count} of {report.Layers.Count} layers came out worse than plain rounding of no more bytes and {became}: {Names(worse)}"));
    }

    private static string Names(List<LayerReport> layers)
    {
        const int shown = 3;
        string names = string.Join(", ", layers.Take(shown).Select(l => l.Name));
        return layers.Count <= shown ? names : Units.Invariant($"{names} and {layers.Count - shown} more (report: \"replaced\", \"plainRounding\")");
    }

    private static string Sinks(LayerReport layer) => layer.SinkShare >= 0.01
        ? Units.Invariant($"  {layer.SinkTokens} sinks up to {layer.Sink:0.#} x the median own {100 * layer.SinkShare:0.#} %")
        : Units.Invariant($"  largest token {layer.Sink:0.#} x the median");

    private static string WithTables(double layers, double? all) =>
        $"{Units.BitsPerWeight(layers)}{(all is { } bits ? $" ({Units.BitsPerWeight(bits)} with embedding and head)" : "")}";

    private static string Word(TokenWeights weights) => CalibrationOptions.Weights.First(w => w.Value == weights).Word;

    public static int WritePlan(Terminal terminal, Recipe recipe, Plan plan, bool json)
    {
        if (json)
        {
            Json.Write(terminal, plan);
            return Application.Success;
        }
        Tables.WritePairs(terminal,
        [
            ("layers", Units.Count(plan.Layers.Count)),
            ("bits per weight", WithTables(plan.BitsPerWeight, plan.BitsPerWeightWithTables)),
            ("weights", Units.Bytes(plan.FileBytes)),
            ("calibration", Units.Invariant($"{recipe.Calibration.Samples:N0} x {recipe.Calibration.Length:N0} tokens{(recipe.Calibration.TokenizerRules == TokenizerRules.Class ? ", cut by the rules of the tokenizer's class" : "")}")),
            ("token weights", string.Join(", ", recipe.WantedWeights.Select(Word))),
            ("peak memory", $"at most about {Units.Bytes(plan.PeakMemoryBytes)}"),
        ]);
        terminal.Error.WriteLine(Memory(plan));
        foreach (string warning in plan.Warnings) terminal.Error.WriteLine($"warning: {warning}");
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(recipe.ToJson());
        return Application.Success;
    }

    private static string Describe(RunProgress p) => p.Phase switch
    {
        RunPhase.Calibrate => "reading the calibration texts",
        RunPhase.Write => "writing the model",
        _ => Units.Invariant($"block {p.Block + 1} of {p.Blocks}, ") + p.Phase switch
        {
            RunPhase.Resume => "going on from the last attempt",
            RunPhase.Observe => "observing inputs",
            RunPhase.Compress when p.Learning is { } l => Units.Invariant($"step {l.Step} of {l.Steps}, error {l.Error:0.00000} (first {l.FirstError:0.00000})"),
            RunPhase.Compress => p.Layer is { } layer ? layer[(layer.LastIndexOf('.') + 1)..] : "compressing",
            _ => "running it as stored",
        },
    };
}
