using Quarank.Cli.Console;

namespace Quarank.Cli.Commands;

/// <summary>A measured perplexity on the terminal.</summary>
internal static class MeasuredView
{
    public static void WriteTable(this Measured measured, Terminal terminal) => Tables.WritePairs(terminal,
    [
        ("perplexity", $"{Units.Perplexity(measured.Perplexity)} ± {Units.Perplexity(measured.StandardError)}"),
        ("protocol", measured.Protocol),
        ("tokens", $"{Units.Count(measured.Tokens)} in {Units.Count(measured.Segments)} segments"),
        ("bits per weight", Units.BitsPerWeight(measured.BitsPerWeight)),
        ("weights", Units.Bytes(measured.FileBytes)),
        .. measured.Numbers is { } numbers ? [("numbers", numbers)] : Array.Empty<(string, string)>(),
        ("time", Units.Duration(measured.Seconds)),
        .. Pairs(measured.Against),
    ]);

    private static IEnumerable<(string Name, string Value)> Pairs(MeasuredAgainst? against) => against is null ? [] :
    [
        ("against", Units.Invariant($"{against.Model}: perplexity {Units.Perplexity(against.Perplexity)} ± {Units.Perplexity(against.StandardError)}")),
        ("loss difference", Units.Invariant($"{against.LossDifference:0.0000} ± {against.LossDifferenceError:0.0000} nats")),
        ("divergence", Units.Invariant($"{against.KlMean:0.0000} ± {against.KlMeanError:0.0000} nats, 99 % of tokens below {against.Kl99:0.000}")),
        ("top-1 agreement", Units.Invariant($"{100 * against.TopAgreement:0.0} %")),
    ];
}
