using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>Holds statements about the order of rows to their figures, on every text that was measured.</summary>
internal sealed class Judge(IReadOnlyList<StudyRow> rows)
{
    private readonly int _texts = rows.Where(r => r.Refusal is null).Select(r => r.Scores!.Count).DefaultIfEmpty(0).Min();

    /// <summary>"a is at least <paramref name="factor"/> times below b", in perplexity; null where a row was refused or nothing was foretold.</summary>
    public Claim Below(string statement, string source, string low, string high, double factor = 1)
    {
        string rule = factor == 1 ? $"perplexity of {low} below that of {high}, on every text" : FormattableString.Invariant($"perplexity of {low} at least {factor:0.#} times below that of {high}, on every text");
        return Of(statement, source, rule, [low, high], (found, t) => (found[1][t].Perplexity >= factor * found[0][t].Perplexity && found[0][t].Perplexity < found[1][t].Perplexity,
            $"{Short(found[0][t])} against {Short(found[1][t])}, {NumberText.Round(found[1][t].Perplexity / found[0][t].Perplexity)} times{Doubt(found[0][t], found[1][t])}", Apart(found[0][t], found[1][t])));
    }

    /// <summary>"the first has the lowest perplexity of all".</summary>
    public Claim Best(string statement, string source, string best, IReadOnlyList<string> others) =>
        Of(statement, source, $"{best} has the lowest perplexity of {others.Count + 1}, on every text", [best, .. others], (found, t) =>
        {
            int lowest = Enumerable.Range(0, found.Count).MinBy(i => found[i][t].Perplexity);
            int rival = lowest > 0 ? lowest : Enumerable.Range(1, others.Count).MinBy(i => found[i][t].Perplexity);
            return (lowest == 0, $"{best}: {Short(found[0][t])}; lowest of the others: {others[rival - 1]} with {Short(found[rival][t])}{Doubt(found[0][t], found[rival][t])}", Apart(found[0][t], found[rival][t]));
        });

    /// <summary>"each is below the one before it".</summary>
    public Claim Falling(string statement, string source, IReadOnlyList<string> names) =>
        Of(statement, source, "perplexity falls at every step, on every text", names, (found, t) =>
        {
            var steps = Enumerable.Range(1, found.Count - 1).Select(i => (From: found[i - 1][t], To: found[i][t])).ToList();
            var wrong = steps.Where(s => s.To.Perplexity >= s.From.Perplexity).ToList();
            // One clear step upwards refutes it; it takes all steps being clear to bear it out.
            bool distinct = wrong.Count > 0 ? wrong.Exists(s => Apart(s.From, s.To)) : steps.TrueForAll(s => Apart(s.From, s.To));
            return (wrong.Count == 0, string.Join(" → ", found.Select(f => Short(f[t]))), distinct);
        });

    /// <summary>Any other statement about some rows: the test says of each text whether it holds, and why.</summary>
    public Claim Of(string statement, string source, string rule, IReadOnlyList<string> names, Func<IReadOnlyList<IReadOnlyList<StudyScore>>, int, (bool Holds, string Found, bool Distinct)> test)
    {
        var found = new List<IReadOnlyList<StudyScore>>();
        foreach (string name in names)
        {
            var row = rows.FirstOrDefault(r => r.Name == name);
            if (row?.Refusal is not null || row is null || _texts == 0)
                return new(statement, source, rule, row is null ? $"{name} was not tried" : row.Refusal is not null ? $"{name} could not be tried" : "no text was given", null);
            found.Add(row.Scores!);
        }
        var verdicts = Enumerable.Range(0, _texts).Select(t => test(found, t)).ToList();
        string words = string.Join("; ", verdicts.Select((v, t) => _texts == 1 ? v.Found : $"{found[0][t].Text}: {v.Found}"));
        bool holds = verdicts.TrueForAll(v => v.Holds);
        return new(statement, source, rule, words, holds, holds ? verdicts.TrueForAll(v => v.Distinct) : verdicts.Exists(v => !v.Holds && v.Distinct));
    }

    /// <summary>Whether two mean losses lie more than two standard errors apart, taken as independent.</summary>
    public static bool Apart(StudyScore a, StudyScore b)
    {
        double error = Math.Sqrt(Square(a.StandardError / a.Perplexity) + Square(b.StandardError / b.Perplexity));
        return !(Math.Abs(Math.Log(a.Perplexity / b.Perplexity)) <= 2 * error);
    }

    private static string Doubt(StudyScore a, StudyScore b) => Apart(a, b) ? "" : " (within two standard errors)";

    private static double Square(double x) => x * x;

    private static string Short(StudyScore score) => NumberText.Round(score.Perplexity);
}
