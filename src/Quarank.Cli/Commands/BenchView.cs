using Quarank.Cli.Console;
using Quarank.Studies.Speed;

namespace Quarank.Cli.Commands;

/// <summary>What <c>bench</c> measured, as tables for people and as an object for scripts.</summary>
/// <param name="perplexities">One a model, or null.</param>
/// <param name="reference">Which model the others are set beside.</param>
internal sealed class BenchView(SpeedReport report, IReadOnlyList<Measured>? perplexities, int reference)
{
    private IReadOnlyList<ModelSpeed> Models => report.Models;

    private IReadOnlyList<SpeedTest> Tests => [.. Models[0].Figures.Select(f => f.Test)];

    public void Write(Terminal terminal)
    {
        Tables.WritePairs(terminal, [.. Models.Count == 1 ? Pairs(0) : [], .. MachinePairs()]);
        terminal.Out.WriteLine();
        if (Models.Count > 1)
        {
            WriteModels(terminal);
            terminal.Out.WriteLine();
        }
        WriteTests(terminal);
        if (Models.All(m => m.Token is null)) return;
        terminal.Out.WriteLine();
        WriteTokens(terminal);
    }

    /// <summary>All figures; rates in bytes or operations per second.</summary>
    public object ForScripts() => new
    {
        report.Machine.Processor,
        report.Machine.Processors,
        report.Machine.VectorUnits,
        report.Machine.Threads,
        Limits = new
        {
            ReadBytesPerSecondOneThread = report.Machine.ReadOnOneThread,
            ReadBytesPerSecond = report.Machine.Read,
            SgemmOperationsPerSecond = report.Machine.Sgemm,
        },
        Reference = Models[reference].Model.Name,
        Models = Models.Select((m, i) => new
        {
            m.Model.Name,
            m.Model.Architecture,
            m.Model.Parameters,
            m.Model.FileBytes,
            m.Model.BitsPerWeight,
            m.Model.HeadBits,
            m.Model.BytesPerToken,
            m.Model.OperationsPerToken,
            m.PeakBytes,
            Perplexity = perplexities?[i].Perplexity,
            StandardError = perplexities?[i].StandardError,
            Tests = m.Figures.Select(f => new
            {
                Test = f.Test.Name,
                f.Test.Tokens,
                f.TokensPerSecond,
                f.Deviation,
                Limit = f.Test.Generates ? "read" : "sgemm",
                f.WorkPerSecond,
                LimitPerSecond = f.Limit,
                f.ShareOfLimit,
                TimesReference = f.Against(Models[reference].Figure(f.Test)),
                Seconds = f.Samples.Select(s => s.Seconds),
            }),
            m.Token,
        }),
    };

    private IEnumerable<(string, string)> Pairs(int i)
    {
        var (model, peak) = (Models[i].Model, Models[i].PeakBytes);
        yield return ("model", $"{model.Name}, {model.Architecture}");
        yield return ("parameters", $"{Units.Count(model.Parameters)} ({Units.Roughly(model.Parameters)})");
        yield return ("weights", Units.Invariant($"{Units.Bytes(model.FileBytes)}, {model.BitsPerWeight:0.000} bits per weight, head {model.HeadBits:0.###}"));
        yield return ("peak memory", Units.Bytes(peak));
        if (perplexities is not null) yield return ("perplexity", Perplexity(i));
    }

    private IEnumerable<(string, string)> MachinePairs()
    {
        var machine = report.Machine;
        yield return ("processor", Units.Invariant($"{machine.Processor}, {machine.Processors} processors, {machine.VectorUnits}"));
        yield return ("threads", Units.Count(machine.Threads));
        yield return ("limits", Units.Invariant($"memory {machine.ReadOnOneThread / 1e9:0.0} GB/s by 1 thread, {machine.Read / 1e9:0.0} by {machine.Threads}")
            + (machine.Sgemm > 0 ? Units.Invariant($"; sgemm {machine.Sgemm / 1e9:0} GFLOP/s") : ""));
    }

    private void WriteModels(Terminal terminal) => Tables.Write(terminal,
        [new("model"), new("bits/weight", true), new("head", true), new("file", true), new("peak memory", true), .. perplexities is null ? [] : new Column[] { new("perplexity", true) },
            .. Tests.Select(t => new Column($"{t.Name}, tokens/s", true))],
        Models.Select((m, i) => (IReadOnlyList<string>)[m.Model.Name, Units.BitsPerWeight(m.Model.BitsPerWeight), Units.Invariant($"{m.Model.HeadBits:0.###}"),
            Units.Bytes(m.Model.FileBytes), Units.Bytes(m.PeakBytes), .. perplexities is null ? [] : new[] { Perplexity(i) },
            .. m.Figures.Select(f => Rate(f.TokensPerSecond))]));

    private void WriteTests(Terminal terminal)
    {
        bool many = Models.Count > 1;
        Tables.Write(terminal,
            [.. many ? new Column[] { new("model") } : [], new("test"), new("tokens/s", true), new("±", true), .. many ? new Column[] { new("×", true) } : [],
                new("a token takes", true), new("reached", true), new("limit", true), new("share", true)],
            from test in Tests
            from model in Models
            let f = model.Figure(test)
            select (IReadOnlyList<string>)
            [
                .. many ? new[] { model.Model.Name } : [], test.Name, Rate(f.TokensPerSecond), Rate(f.Deviation),
                .. many ? new[] { Units.Invariant($"{f.Against(Models[reference].Figure(test)):0.00}") } : [],
                Work(test, f.Work), PerSecond(test, f.WorkPerSecond), $"{(test.Generates ? "memory" : "sgemm")} {PerSecond(test, f.Limit)}",
                Units.Invariant($"{100 * f.ShareOfLimit:0} %"),
            ]);
    }

    private void WriteTokens(Terminal terminal) => Tables.Write(terminal,
        [new("time of a token"), new("ms", true), new("products", true), new("attention", true), new("head", true), new("sampling", true), new("all else", true), new("outside kernels", true),
            new("empty forks", true)],
        Models.Where(m => m.Token is not null).Select(m => (m.Model.Name, Token: m.Token!)).Select(m => (IReadOnlyList<string>)
            [m.Name, Milliseconds(m.Token.Token), Milliseconds(m.Token.Products), Milliseconds(m.Token.Attention), Milliseconds(m.Token.Head),
                Milliseconds(m.Token.Sampling), Milliseconds(m.Token.Rest), Units.Invariant($"{100 * m.Token.ShareOutsideKernels:0.0} %"), Milliseconds(m.Token.Forks)]));

    private string Perplexity(int i) => $"{Units.Perplexity(perplexities![i].Perplexity)} ± {Units.Perplexity(perplexities[i].StandardError)}";

    private static string Work(SpeedTest test, double work) => test.Generates ? Units.Bytes((long)work) : Units.Invariant($"{work / 1e6:N0} MFLOP");

    private static string PerSecond(SpeedTest test, double rate) =>
        test.Generates ? Units.Invariant($"{rate / 1e9:0.0} GB/s") : Units.Invariant($"{rate / 1e9:0} GFLOP/s");

    private static string Rate(double value) => Units.Invariant($"{value:0.00}");

    private static string Milliseconds(double seconds) => Units.Invariant($"{1000 * seconds:0.000}");
}
