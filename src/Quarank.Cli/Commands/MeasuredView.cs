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
        .. measured.TokenizerClass is { } rules ? [("tokenizer", $"rules of the class {rules}")] : Array.Empty<(string, string)>(),
        .. measured.SavedLogits is { } saved ? [("saved logits", $"{saved.File}, {saved.Size}")] : Array.Empty<(string, string)>(),
        ("time", Units.Duration(measured.Seconds)),
        .. Pairs(measured.Against),
    ]);

    private static IEnumerable<(string Name, string Value)> Pairs(MeasuredAgainst? against) => against is null ? [] :
    [
        ("against", Units.Invariant($"{against.Model}: perplexity {Units.Perplexity(against.Perplexity)} ± {Units.Perplexity(against.StandardError)}")),
        ("right token", Units.Invariant($"ln q − ln p = {-against.LossDifference:0.0000;-0.0000;0.0000} ± {against.LossDifferenceError:0.0000} in the mean")),
        ("divergence", $"{Kl(against.KlMean, against.KlMeanError)} nats in the mean{(against.KlIsLowerBound ? ", a lower bound (64 likeliest tokens, the rest as one)" : "")}"),
        ("  median", Kl(against.KlMedian, against.KlMedianError)),
        ("  90 %", Kl(against.Kl90, against.Kl90Error)),
        ("  99 %", Kl(against.Kl99, against.Kl99Error)),
        ("  99.9 %", Kl(against.Kl999, against.Kl999Error)),
        ("  maximum", Kl(against.KlMaximum, against.KlMaximumError)),
        ("same top token", Percent(against.TopAgreement, against.TopAgreementError)),
        ("of the top 5", Percent(against.TopFiveAgreement, against.TopFiveAgreementError)),
    ];

    private static string Kl(double value, double error) =>
        value is not 0 and < 0.001 ? Units.Invariant($"{value:0.0e+00} ± {error:0.0e+00}") : Units.Invariant($"{value:0.0000} ± {error:0.0000}");

    private static string Percent(double share, double error) => Units.Invariant($"{100 * share:0.00} ± {100 * error:0.00} %");
}
