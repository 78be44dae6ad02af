using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>
/// Figure 3 (App. D.2): how much output energy LoRDQ and GPTQ retain at 2 bits, layer by layer, and whether the spectrum of W X Xᵀ Wᵀ tells
/// which of them will do better.
/// </summary>
internal static class SpectraStudy
{
    private const double Tenth = 0.1;

    // Below it components are not drawn: heads narrower than the layer leave some with next to nothing.
    private const double Least = 1e-6;
    private const string LordqName = "lordq", GptqName = "gptq";

    /// <summary>The paper's LoRDQ at 2 bits (K = 2, compensation, codes counted) and its baseline, fitted to these layers.</summary>
    public static IReadOnlyDictionary<string, Method> Methods(IReadOnlyList<LayerShape> layers) => new Dictionary<string, Method>
    {
        [LordqName] = new Lordq(2, Budget: BitBudget.Codes).Fit(layers),
        [GptqName] = new Gptq(new GridFormat(2, 0)),
    };

    public static StudyResult Of(StudySetting setting, IReadOnlyList<SurveyedLayer> surveyed)
    {
        OutputSpectrum[] spectra = [.. surveyed.Select(s => s.Spectrum)];
        var curves = EnergyCurve.Of(spectra, RankStudy.Fractions);
        LayerEnergy[] layers = [.. surveyed.Select(s => LayerEnergy.Of(s.Spectrum, RankStudy.Fractions) with
        {
            Lordq = s.Errors[LordqName],
            Gptq = s.Errors[GptqName],
        })];
        return new("spectra", "Spectra and retained energy (LoRDQ paper, Figure 3)", setting, [Printed], [Retained(layers), Concentration(layers), Energies(curves)],
            Claims(layers), [Reading(layers)])
        {
            Curves = curves,
            Layers = layers,
            Figures = [("retained.svg", Retained(setting, layers)), ("energy.svg", Energy(curves)), ("spectra.svg", Spectra(spectra)), ("gain.svg", Gain(layers))],
        };
    }

    private static readonly StudyTable Printed = new("Printed (App. D.2, Figure 3, Llama-2-13B; text only, the plots give no figures)", ["statement"],
        [["LoRDQ \"consistently achieves higher values [of retained energy] across layers\" than GPTQ, both at 2 bits"],
         ["\"Layers with more concentrated spectra (higher energy in top components) tend to yield larger LoRDQ gains over GPTQ\""]]);

    private static double Share(LayerEnergy layer) => 1 - layer.Weighted[Array.IndexOf(RankStudy.Fractions, Tenth)];

    // How many times LoRDQ's error goes into GPTQ's; an error of nothing gives no ratio.
    private static double GainOf(LayerEnergy layer) => layer.Lordq is > 0 ? layer.Gptq!.Value / layer.Lordq.Value : 1;

    private static IEnumerable<(string Kind, List<LayerEnergy> Layers)> Groups(LayerEnergy[] layers) =>
        layers.GroupBy(l => l.Kind).Select(g => (g.Key, g.ToList())).Prepend((EnergyCurve.All, [.. layers]));

    private static StudyTable Retained(LayerEnergy[] layers) => new("Retained energy γ at 2 bits: LoRDQ (4, 4), K = 2, compensation, codes counted; GPTQ, rows, min–max",
        ["layer", "count", "LoRDQ: mean γ", "least γ", "GPTQ: mean γ", "least γ", "LoRDQ retains more in", "share carried by 10 % of the rank", "GPTQ's error / LoRDQ's, median"],
        [.. Groups(layers).Select(g => (IReadOnlyList<string>)[g.Kind, $"{g.Layers.Count}", Words.Percent(1 - g.Layers.Average(l => l.Lordq!.Value)), Words.Percent(1 - g.Layers.Max(l => l.Lordq!.Value)),
            Words.Percent(1 - g.Layers.Average(l => l.Gptq!.Value)), Words.Percent(1 - g.Layers.Max(l => l.Gptq!.Value)), $"{g.Layers.Count(l => l.Lordq < l.Gptq)} of {g.Layers.Count}",
            Words.Percent(g.Layers.Average(Share)), Words.Number(Spread.Of([.. g.Layers.Select(GainOf)]).Median, 2)])],
        "γ = 1 − ‖(W − Ŵ)X‖² / ‖WX‖² (Eq. 27), from the packed codes, with the undamped Gram matrix.");

    private static StudyTable Concentration(LayerEnergy[] layers) => new("How concentrated the spectrum of W X Xᵀ Wᵀ is",
        ["layer", "count", "first component: mean", "largest", "rank that carries 50 %", "90 %", "99 %"],
        [.. Groups(layers).Select(g => (IReadOnlyList<string>)[g.Kind, $"{g.Layers.Count}", Words.Percent(g.Layers.Average(l => l.First)), Words.Percent(g.Layers.Max(l => l.First)),
            Words.Percent(g.Layers.Average(l => l.For50)), Words.Percent(g.Layers.Average(l => l.For90)), Words.Percent(g.Layers.Average(l => l.For99))])],
        "Ranks as shares of min(rows, columns), means over layers.");

    private static StudyTable Energies(IReadOnlyList<EnergyCurve> curves)
    {
        double[] fractions = [0.01, 0.05, Tenth, 0.25, 0.5];
        return new("Retained energy over rank, not quantized: weighted / plain", ["layer", "count", .. fractions.Select(Words.Fraction)],
            [.. curves.Select(c => (IReadOnlyList<string>)[c.Kind, $"{c.Layers}", .. fractions.Select(f => $"{Words.Percent(1 - c.At(f).Weighted.Mean)} / {Words.Percent(1 - c.At(f).Plain.Mean)}")])]);
    }

    private static IReadOnlyList<Claim> Claims(LayerEnergy[] layers)
    {
        int more = layers.Count(l => l.Lordq < l.Gptq);
        double correlation = Correlation.OfRanks([.. layers.Select(Share)], [.. layers.Select(GainOf)]);
        return
        [
            new("at 2 bits LoRDQ retains more output energy than GPTQ, consistently across layers", "App. D.2, Figure 3a", "in at least 95 % of the layers",
                $"in {more} of {layers.Length}; mean γ {Words.Percent(1 - layers.Average(l => l.Lordq!.Value))} against {Words.Percent(1 - layers.Average(l => l.Gptq!.Value))}", more >= 0.95 * layers.Length),
            new("layers with more concentrated spectra gain more", "App. D.2, Figure 3", "Spearman's correlation of at least 0.3 between the share carried by 10 % of the rank and GPTQ's error / LoRDQ's",
                $"{Words.Number(correlation, 2)} over {layers.Length} layers", correlation >= 0.3),
        ];
    }

    private static string Reading(LayerEnergy[] layers)
    {
        var kinds = Groups(layers).Skip(1).OrderByDescending(g => g.Layers.Average(Share)).ToList();
        return $"LoRDQ retains more than row-wise min–max GPTQ in {layers.Count(l => l.Lordq < l.Gptq)} of {layers.Length} layers. The spectra are most concentrated in {kinds[0].Kind} "
            + $"(10 % of the rank carries {Words.Percent(kinds[0].Layers.Average(Share))}; LoRDQ ahead in {kinds[0].Layers.Count(l => l.Lordq < l.Gptq)} of {kinds[0].Layers.Count}) and flattest in {kinds[^1].Kind} "
            + $"({Words.Percent(kinds[^1].Layers.Average(Share))}; ahead in {kinds[^1].Layers.Count(l => l.Lordq < l.Gptq)} of {kinds[^1].Layers.Count}).";
    }

    private static Chart Retained(StudySetting setting, LayerEnergy[] layers) => new($"Energy lost at 2 bits, layer by layer, {setting.Model}",
        new Axis("layer, in the order of the model"), new Axis("1 − γ, relative output error", Log: true),
        [Series.Of("LoRDQ, K = 2", layers.Select(l => l.Lordq!.Value), Look.Points), Series.Of("GPTQ, rows, min–max", layers.Select(l => l.Gptq!.Value), Look.Points)])
    {
        Note = "From the packed codes. Lower is better; the paper plots γ itself, where differences near 100 % cannot be seen.",
    };

    private static Panels Energy(IReadOnlyList<EnergyCurve> curves) => new("Retained output energy over rank", [.. curves.Select(c =>
        new Chart($"{c.Kind} ({c.Layers})", new Axis("rank kept", Log: true, AxisUnit.Percent), new Axis("energy", Unit: AxisUnit.Percent, From: 0, To: 1),
            [Series.Of("input-weighted", RankStudy.Fractions, c.Points.Select(p => 1 - p.Weighted.Mean)), Series.Of("plain SVD of W", RankStudy.Fractions, c.Points.Select(p => 1 - p.Plain.Mean))]))])
    {
        Note = "Means over layers, not quantized.",
    };

    private static Panels Spectra(IReadOnlyList<OutputSpectrum> spectra) => new("Spectra: the share of the output energy that a component carries", [.. spectra.GroupBy(s => s.Kind).Select(kind =>
        new Chart($"{kind.Key} ({kind.Count()})", new Axis("component, share of the rank", Log: true, AxisUnit.Percent), new Axis("share of energy", Log: true),
            [Mean("W X Xᵀ Wᵀ (weighted)", kind, s => s.Weighted), Mean("components of W's SVD", kind, s => s.Plain), Mean("W Wᵀ (plain)", kind, s => s.Weights)]))])
    {
        Note = "Means over the layers of a kind.",
    };

    // The mean share at components that lie evenly on the logarithmic axis.
    private static Series Mean(string name, IEnumerable<OutputSpectrum> layers, Func<OutputSpectrum, double[]> values)
    {
        int rank = layers.Max(l => l.FullRank);
        var places = Enumerable.Range(0, 49).Select(i => (int)Math.Round(Math.Pow(rank, i / 48.0))).Distinct();
        return new(name, [.. places.Select(place => (Fraction: (double)place / rank, Value: layers.Average(l => values(l)[Math.Min(place, l.FullRank) - 1])))
            .Where(p => p.Value > Least).Select(p => new DataPoint(p.Fraction, p.Value))], Look.Line);
    }

    private static Chart Gain(LayerEnergy[] layers) => new("Does concentration tell where LoRDQ gains?",
        new Axis("share of the output energy carried by 10 % of the rank", Unit: AxisUnit.Percent), new Axis("GPTQ's error / LoRDQ's, 2 bits", Log: true),
        [.. layers.GroupBy(l => l.Kind).Select(g => new Series(g.Key, [.. g.Select(l => new DataPoint(Share(l), GainOf(l)))], Look.Points))])
    {
        Note = "A point per layer; above 1 LoRDQ retains more.",
        Guides = [new(1, "equal")],
    };
}
