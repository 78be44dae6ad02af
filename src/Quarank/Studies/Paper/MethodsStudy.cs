using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>Tables 1, 4 and 5 (LoRDQ against GPTQ) and Table 2 (Q in 16 bits), each row with the bytes it truly takes.</summary>
internal static class MethodsStudy
{
    /// <param name="bits">2 and 3 in the paper.</param>
    /// <param name="layers">Those of the model, which decide how much rank Table 2's reading leaves.</param>
    public static IReadOnlyList<StudyVariant> Variants(IEnumerable<int> bits, IReadOnlyList<LayerShape> layers) => [.. bits.SelectMany(b => At(b, layers))];

    /// <summary>The token weights that these variants ask for.</summary>
    public static TokenWeights[] Weights(IEnumerable<int> bits) => [.. bits.Select(b => new LordqBest(b).PreferredWeights).Append(TokenWeights.Unit).Distinct()];

    public static StudyResult Of(StudySetting setting, IReadOnlyList<StudyRow> rows, IReadOnlyList<int> bits) =>
        new("methods", "LoRDQ against row-wise methods (LoRDQ paper, Tables 1, 2, 4, 5)", setting, [PrintedQuantized, PrintedFullQ],
            [.. bits.Select(b => RowTables.Of($"{b} bits", [.. rows.Where(r => r.Name.StartsWith($"{b} bits", StringComparison.Ordinal))],
                "The paper counts codes alone; Table 2 counts P's alone."))], Claims(rows, bits), [.. bits.Select(b => Reading(rows, b))])
        {
            Rows = rows,
            Figures = RowTables.Plots(setting, rows, r => r.Name[(r.Name.IndexOf("bits", StringComparison.Ordinal) + 4)..].TrimStart(':', ' ')),
        };

    private static string Gptq(int b) => $"{b} bits: GPTQ, rows, min–max";
    private static string Lordq(int b) => $"{b} bits: LoRDQ as printed, K = 2";
    private static string FullQ(int b) => $"{b} bits of P, Q in 16 bits, full rank";

    private static IEnumerable<StudyVariant> At(int b, IReadOnlyList<LayerShape> layers)
    {
        var rows = new GridFormat(b, 0);
        var mended = new Lordq(b, Refit: true, Feedback: LordqFeedback.Both);
        yield return new($"{b} bits: RTN, rows, min–max", new RoundToNearest(rows));
        yield return new(Gptq(b), new Gptq(rows));
        yield return new($"{b} bits: GPTQ, rows, min–max, tokens of unit norm", new Gptq(rows), TokenWeights.Unit);
        yield return new($"{b} bits: GPTQ, rows, clip", new Gptq(rows, GridRange.Clip));
        yield return new($"{b} bits: AWQ, rows", new Awq(new RoundToNearest(rows, GridRange.Output)), TokenWeights.Unit);
        yield return new($"{b} bits: GPTQ, groups of 64, clip", new Gptq(new GridFormat(b, 64), GridRange.Clip));
        yield return new(Lordq(b), new Lordq(b, Budget: BitBudget.Codes));
        yield return new($"{b} bits: LoRDQ refit with feedback", mended);
        yield return new($"{b} bits: lordq-best", new LordqBest(b), new LordqBest(b).PreferredWeights);
        if (b <= 5)
            yield return new($"{b} bits: hybrid, {b - 1}-bit grid and LoRDQ of what it leaves",
                mended with { Rest = new(b - 1, Levels: b == 2 ? CodeLevels.Normal : CodeLevels.ZeroPoint, First: true) });
        // Table 2 leaves b_P and r open; "all resources into quantizing P" is read as b bits per weight for P's codes, Q free of charge.
        yield return new(FullQ(b), new Lordq(PBits: b, QBits: 16, RankFraction: 1));
        if (b < 4) yield return new($"{b} bits for P of 4-bit codes, Q in 16 bits", new Lordq(PBits: 4, QBits: 16, RankFraction: FractionFor(b, 4, layers)));
    }

    // ρ at which P's codes alone take so many bits per weight of the model.
    private static double FractionFor(int bits, int codeBits, IReadOnlyList<LayerShape> layers) =>
        Math.Min(1, bits * layers.Sum(l => (double)l.Rows * l.Columns) / layers.Sum(l => (double)codeBits * l.Rows * Math.Min(l.Rows, l.Columns)));

    private static readonly StudyTable PrintedQuantized = new("Printed (Tables 1, 4, 5; WikiText2 perplexity; bits by codes alone)", ["model", "2 bits: LoRDQ", "GPTQ", "AWQ", "3 bits: LoRDQ", "GPTQ", "AWQ"],
        [
            ["Llama-2-7B", "198.04", "1.1e4", "1.7e5", "72.76", "9.50", "24.00"], ["Llama-2-13B", "72.71", "1.0e3", "9.5e4", "22.91", "6.78", "10.45"],
            ["Llama-3-8B", "1.0e4", "1.0e6", "8.2e5", "210.80", "81.82", "12.80"], ["OPT-125M", "840.40", "4444.83", "", "", "", ""], ["OPT-350M", "1.7e3", "15608.65", "", "", "", ""],
            ["OPT-1.3B", "447.84", "8171.65", "9.5e3", "", "", ""], ["OPT-2.7B", "234.27", "9346.39", "2.3e4", "", "", ""], ["OPT-6.7B", "90.99", "3270.47", "", "", "", ""], ["OPT-13B", "41.92", "372.68", "", "", "", ""],
        ], "GPTQ and AWQ with one scale per row, no groups. Unchanged models are not printed (Llama-2-7B is known for 5.47).");

    private static readonly StudyTable PrintedFullQ = new("Printed (Table 2; WikiText2 perplexity; \"3 bits\" with Q in full precision, not counted)", ["model", "LoRDQ", "QuIP", "OmniQuant"],
        [["Llama-2-7B", "6.15", "18.66", "6.62"], ["Llama-2-13B", "5.65", "5.61", "5.58"], ["Llama-3-8B", "6.52", "8.48", "14.70"]],
        "A dense Q of 16 bits adds 16 · r / M bits per weight: some 16 bits on a square matrix at full rank. QuIP's rotation is a seed, OmniQuant's scales are folded away.");

    private static List<Claim> Claims(IReadOnlyList<StudyRow> rows, IReadOnlyList<int> bits)
    {
        var judge = new Judge(rows);
        var claims = new List<Claim>();
        if (bits.Contains(2))
        {
            claims.Add(judge.Below("at 2 bits LoRDQ's perplexity lies ten times below row-wise min–max GPTQ's", "abstract, Table 1", Lordq(2), Gptq(2), 10));
            claims.Add(judge.Below("at 2 bits LoRDQ beats GPTQ", "Table 1", Lordq(2), Gptq(2)));
        }
        if (bits.Contains(3))
        {
            claims.Add(judge.Below("at 3 bits, both factors quantized, GPTQ beats LoRDQ", "Table 5, App. D.3", Gptq(3), Lordq(3)));
            claims.Add(judge.Below("at \"3 bits\" with Q in full precision LoRDQ beats GPTQ", "Tables 2 and 5", FullQ(3), Gptq(3)));
        }
        foreach (int b in bits.Where(b => rows.Any(r => r.Name == FullQ(b) && r.Refusal is null)))
        {
            var row = rows.First(r => r.Name == FullQ(b));
            claims.Add(new($"P of {b} bits with Q in 16 bits is a model of {b} bits", "Table 2", $"at most {b + 0.5} bits stored per weight", $"{Words.Number(row.BitsPerWeight, 2)} bits stored", row.BitsPerWeight <= b + 0.5));
        }
        return claims;
    }

    private static string Reading(IReadOnlyList<StudyRow> rows, int b)
    {
        var tried = rows.Where(r => r.Refusal is null && r.Name.StartsWith($"{b} bits:", StringComparison.Ordinal)).ToList();
        var full = rows.FirstOrDefault(r => r.Name == FullQ(b) && r.Refusal is null);
        return $"**{b} bits.** {RowTables.Lowest(tried)}{RowTables.ErrorsAgainstPerplexity(tried)}"
            + (full is null ? "" : $" Table 2's reading stores {Words.Number(full.BitsPerWeight, 2)} bits per weight ({NumberText.Bytes(full.FileBytes)}), not {b}.");
    }
}
