using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>Figure 2 (§5.1): the relative output error over the rank kept, factors not quantized.</summary>
internal static class RankStudy
{
    /// <summary>Fractions of the full rank; those that the paper's statements name are among them.</summary>
    public static readonly double[] Fractions =
        [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

    private const double Early = 0.005, Tenth = 0.1, Half = 0.5;

    public static StudyResult Of(StudySetting setting, IReadOnlyList<OutputSpectrum> layers)
    {
        var curves = EnergyCurve.Of(layers, Fractions);
        var all = curves[0];
        return new("rank", "Output error over rank (LoRDQ paper, Figure 2)", setting, [Printed], [Overall(all), ByKind(curves)], Claims(all, layers), [Reading(curves, layers)])
        {
            Curves = curves,
            Layers = [.. layers.Select(l => LayerEnergy.Of(l, Fractions))],
            Figures = [("rank.svg", Overall(setting, all)), ("rank-kinds.svg", Kinds(curves))],
        };
    }

    private static readonly StudyTable Printed = new("Printed (§5.1, Figure 2; text only, the figure shows two layers)",
        ["relative rank", "relative output error, input-weighted", "plain SVD of W"],
        [["~0.5 %", "50 %", ""], ["~10 %", "25 %", "\"consistently\" 10 % more"]],
        "‖(W − Ŵ_r)X‖² / ‖WX‖², mean over layers; the model of Figure 2 is not named.");

    private static StudyTable Overall(EnergyCurve all) => new($"Relative output error, {all.Layers} layers",
        ["rank kept", "weighted: mean", "± (layers)", "median", "largest", "plain: mean", "± (layers)", "plain − weighted", "weighted, first component apart"],
        [.. all.Points.Select(p => (IReadOnlyList<string>)[Words.Fraction(p.Fraction), Words.Percent(p.Weighted.Mean), Words.Percent(p.Weighted.Deviation),
            Words.Percent(p.Weighted.Median), Words.Percent(p.Weighted.Largest), Words.Percent(p.Plain.Mean), Words.Percent(p.Plain.Deviation),
            Words.Points(p.Plain.Mean - p.Weighted.Mean), Words.Percent(p.BesidesFirst.Mean)])],
        "Rank as a share of min(rows, columns), the nearest whole number and at least 1. ± is the standard deviation over layers. The last column leaves the first component out of error and energy.");

    private static StudyTable ByKind(IReadOnlyList<EnergyCurve> curves) => new("By kind of layer: weighted / plain",
        ["layer", "count", .. new[] { Early, 0.05, Tenth, 0.25, Half }.Select(Words.Fraction)],
        [.. curves.Select(c => (IReadOnlyList<string>)[c.Kind, $"{c.Layers}",
            .. new[] { Early, 0.05, Tenth, 0.25, Half }.Select(f => $"{Words.Percent(c.At(f).Weighted.Mean)} / {Words.Percent(c.At(f).Plain.Mean)}")])]);

    private static IReadOnlyList<Claim> Claims(EnergyCurve all, IReadOnlyList<OutputSpectrum> layers)
    {
        var upToHalf = all.Points.Where(p => p.Fraction <= Half).ToList();
        int tenPoints = upToHalf.Count(p => p.Plain.Mean - p.Weighted.Mean >= 0.1), tenPercent = upToHalf.Count(p => p.Weighted.Mean <= 0.9 * p.Plain.Mean);
        var (least, most) = (upToHalf.Min(p => p.Plain.Mean - p.Weighted.Mean), upToHalf.Max(p => p.Plain.Mean - p.Weighted.Mean));
        int ranks = layers.Sum(l => l.FullRank), worse = layers.Sum(l => Enumerable.Range(1, l.FullRank).Count(r => l.Error(true, r) > l.Error(false, r) + 1e-9));
        return
        [
            At(all, Early, 0.5, 0.1), At(all, Tenth, 0.25, 0.05),
            new("the weighted error lies 10 points below the plain one at the same rank", "§5.1", $"at least 10 points at each of the {upToHalf.Count} ranks up to 50 %",
                $"{Words.Points(all.At(Tenth).Plain.Mean - all.At(Tenth).Weighted.Mean)} at 10 %; from {Words.Points(least)} to {Words.Points(most)}; at least 10 at {tenPoints} of {upToHalf.Count} ranks", tenPoints == upToHalf.Count),
            new("… or, read as a share, 10 % below it", "§5.1", $"at most 0.9 of the plain error at each of the {upToHalf.Count} ranks up to 50 %",
                $"{Words.Number(all.At(Tenth).Weighted.Mean / all.At(Tenth).Plain.Mean, 2)} of it at 10 %; at most 0.9 at {tenPercent} of {upToHalf.Count} ranks", tenPercent == upToHalf.Count),
            new("the weighted decomposition is the best there is", "Proposition 1", "never above the plain one, layer by layer, at any rank", $"above it at {worse} of {ranks} ranks of all layers", worse == 0),
        ];
    }

    private static Claim At(EnergyCurve all, double fraction, double printed, double within)
    {
        double found = all.At(fraction).Weighted.Mean;
        return new($"about {Words.Fraction(printed)} error at {Words.Fraction(fraction)} of the rank", "§5.1, Figure 2", $"{Words.Percent(printed, 0)} ± {100 * within:0} points",
            $"{Words.Percent(found)}{(found < printed - within ? ", less than printed" : found > printed + within ? ", more than printed" : "")}", Math.Abs(found - printed) <= within);
    }

    private static string Reading(IReadOnlyList<EnergyCurve> curves, IReadOnlyList<OutputSpectrum> layers)
    {
        var tenth = curves[0].At(Tenth);
        var kinds = curves.Skip(1).OrderBy(c => c.At(Tenth).Weighted.Mean).ToList();
        double first = layers.Average(l => 1 - l.Error(true, 1));
        return $"On {layers.Count} layers, 10 % of the rank leaves {Words.Percent(tenth.Weighted.Mean)} of the output energy unexplained when fitted to the inputs and {Words.Percent(tenth.Plain.Mean)} by plain SVD (printed: about 25 %, and about 10 points more), "
            + $"from {Words.Percent(kinds[0].At(Tenth).Weighted.Mean)} for {kinds[0].Kind} to {Words.Percent(kinds[^1].At(Tenth).Weighted.Mean)} for {kinds[^1].Kind}. "
            + $"A single component carries {Words.Percent(first)} of a layer's energy on average (from {Words.Percent(layers.Min(l => 1 - l.Error(true, 1)))} to {Words.Percent(layers.Max(l => 1 - l.Error(true, 1)))}); "
            + $"with it set apart, 10 % of the rank leaves {Words.Percent(tenth.BesidesFirst.Mean)} of what remains.";
    }

    private static Chart Overall(StudySetting setting, EnergyCurve all) => new($"Output error over rank, {setting.Model}",
        new Axis("rank kept, share of the full rank", Log: true, AxisUnit.Percent), new Axis("relative output error", Unit: AxisUnit.Percent, From: 0),
        [Errors("input-weighted", all, p => p.Weighted), Errors("plain SVD of W", all, p => p.Plain), Errors("weighted, first component apart", all, p => p.BesidesFirst)])
    {
        Note = $"Mean over {all.Layers} layers, not quantized; bars reach from the mean one standard deviation (over layers) up and down. Lower is better.",
    };

    private static Series Errors(string name, EnergyCurve curve, Func<EnergyPoint, Spread> of) => new(name, [.. curve.Points.Select(p =>
        new DataPoint(p.Fraction, of(p).Mean, Math.Max(0, of(p).Mean - of(p).Deviation), Math.Min(1, of(p).Mean + of(p).Deviation)))]);

    private static Panels Kinds(IReadOnlyList<EnergyCurve> curves) => new("Output error over rank, by kind of layer", [.. curves.Skip(1).Select(c =>
        new Chart($"{c.Kind} ({c.Layers})", new Axis("rank kept", Log: true, AxisUnit.Percent), new Axis("error", Unit: AxisUnit.Percent, From: 0, To: 1),
            [Series.Of("input-weighted", Fractions, c.Points.Select(p => p.Weighted.Mean)), Series.Of("plain SVD of W", Fractions, c.Points.Select(p => p.Plain.Mean))]))])
    {
        Note = "Means over the layers of a kind, not quantized.",
    };
}
