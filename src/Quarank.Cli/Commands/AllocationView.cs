using Quarank.Cli.Console;
using Quarank.Studies.Allocation;
using Quarank.Pipeline;

namespace Quarank.Cli.Commands;

/// <summary>An allocation for the eye.</summary>
internal static class AllocationView
{
    /// <summary>Runs it while its progress is shown.</summary>
    public static Allocation Follow(Terminal terminal, string model, AllocationRecipe asked, AllocationOptions options)
    {
        using var view = new ProgressView(terminal, "allocate");
        return Allocator.Run(model, asked, options,
            new Immediate<AllocationProgress>(p => view.Report(p.Total, p.Stage)), terminal.Stop);
    }

    /// <summary>One line that says what was kept.</summary>
    public static string Verdict(Allocation found)
    {
        var best = found.Measured[0];
        var uniform = found.Measured.FirstOrDefault(m => !Allocator.IsAllocation(m.Name));
        string against = uniform is null ? "no uniform choice is within the budget"
            : Units.Invariant($"the best uniform choice, {uniform.Name}, takes {uniform.BitsPerWeight:0.000} and has {uniform.Kl:0.0000}");
        return Allocator.IsAllocation(best.Name)
            ? Units.Invariant($"kept: {best.Name}, {best.BitsPerWeight:0.000} bits per weight, KL {best.Kl:0.0000}; {against}")
            : Units.Invariant($"kept: {best.Name} for all layers, {best.BitsPerWeight:0.000} bits per weight, KL {best.Kl:0.0000}: no allocation was measured better");
    }

    public static void Write(Terminal terminal, Allocation found)
    {
        Tables.Write(terminal,
            [new("on the probes"), new("bits per weight", true), new("predicted", true), new("KL", true), new("±", true), new("perplexity", true)],
            [.. found.Measured.Select(m => (IReadOnlyList<string>)[m.Name, Units.BitsPerWeight(m.BitsPerWeight), Loss(m.Predicted), Loss(m.Kl), Loss(m.KlError),
                Units.Perplexity(m.Perplexity)]),
                ["unchanged", "", "", Loss(0), "", Units.Perplexity(found.DensePerplexity)]]);
        terminal.Out.WriteLine();
        Tables.Write(terminal,
            [new("choice"), new("bits per weight", true), new("predicted", true), new("relative error", true), new("layers", true)],
            found.Choices.Select(c => (IReadOnlyList<string>)[c.Name, Units.BitsPerWeight(c.BitsPerWeight), Loss(c.Predicted), Loss(c.MeanError),
                Units.Count(c.Layers)]));
        terminal.Out.WriteLine();
        Tables.Write(terminal, [new("budget"), new("predicted", true)],
            found.Frontier.Select(p => (IReadOnlyList<string>)[Units.BitsPerWeight(p.BitsPerWeight), Loss(p.Predicted)]));
        terminal.Out.WriteLine();
        Tables.Write(terminal,
            [new("layer"), new("choice"), new("bits per weight", true), new("predicted", true), new("relative error", true)],
            found.Layers.Select(l => (IReadOnlyList<string>)[l.Name, l.Choice, Units.BitsPerWeight(l.BitsPerWeight), Loss(l.Predicted), Loss(l.Error)]));
        terminal.Out.WriteLine();
        Tables.WritePairs(terminal,
        [
            ("budget", Units.Invariant($"{found.Asked.BitsPerWeight} bits per weight, {found.BudgetBits / 8:N0} bytes")),
            ("taken", Units.Invariant($"{Units.BitsPerWeight(found.BitsPerWeight)} bits per weight")),
            ("optimality", found.Gap == 0 ? "no selection is predicted better" : Units.Invariant($"at most {found.Gap:0.0e+0} of the predicted loss above the best")),
            .. found.Agreement is { } a
                ? new[] { ("rank correlation", Units.Invariant($"{a.Scaled:0.000} of scaled with measured harm, {a.Error:0.000} of the error alone")) } : [],
        ]);
        terminal.Out.WriteLine(Verdict(found));
    }

    private static string Loss(double value) => Units.Invariant($"{value:0.0000}");
}
