using Quarank.Studies.Charts;

namespace Quarank.Studies.Paper;

/// <summary>
/// The claim of LRQ (arXiv:2407.11534, Figures 2 and 3): fewer learned numbers hold better for text that was not seen. Error of learned blocks on what
/// they were learned from and on what they were not, over the number of sequences and over the rank.
/// </summary>
internal static class GapStudy
{
    public static StudyResult Of(StudySetting setting, GapRequest request, IReadOnlyList<GapPoint> points, string unseen)
    {
        var means = GapMean.Of(points);
        var (flex, lrq) = (Curve(means, request, "flexround"), Curve(means, request, "lrq"));
        GapMean[] ranks = [.. means.Where(m => m.Rank is not null).OrderBy(m => m.Rank)];
        var atRanks = flex.First(m => m.Samples == request.RankSamples);
        return new("gap", "Seen and unseen error of learned rounding (LRQ paper, Figures 2 and 3)", setting, [Printed],
            [Overall(request, means, unseen), ByBlock(points)], Claims(request, flex, lrq, ranks, atRanks), [Reading(flex, lrq, ranks)])
        {
            Gap = points,
            Figures =
            [
                ("gap-samples.svg", Samples(setting, request, flex, lrq)),
                .. ranks.Length > 0 ? new (string, Figure)[] { ("gap-ranks.svg", Ranks(setting, request, ranks, atRanks)) } : [],
            ],
        };
    }

    private static readonly StudyTable Printed = new("Printed (captions and text; the figures' values are not in what we have)", ["statement", "where"],
        [
            ["accuracy of FlexRound on common-sense tasks and MMLU rises with the number of calibration sequences, and stays behind LRQ's", "Figure 2"],
            ["on a calibration sequence FlexRound and LRQ err alike; on unseen ones LRQ errs less, from the first block to the last", "Figure 3"],
            ["4,096² layers: LRQ learns half of FlexRound's numbers", "its rank of 1,024"],
        ], "Llama 7B, 8 bits a weight by rows, 8-bit static inputs, 5,000 steps, 512 sequences of 1,024 tokens.");

    private static GapMean[] Curve(IReadOnlyList<GapMean> means, GapRequest request, string method) =>
        [.. request.Samples.Select(n => means.First(m => m.Method == method && m.Rank is null && m.Samples == n))];

    private static StudyTable Overall(GapRequest request, IReadOnlyList<GapMean> means, string unseen) => new("Error in parts of what rounding to the nearest leaves",
        ["method", "sequences", "numbers learned", "seen", "unseen", "unseen above seen"],
        [.. means.OrderBy(m => m.Rank ?? 0).ThenBy(m => m.Samples).ThenBy(m => m.Method).Select(m => (IReadOnlyList<string>)[m.Name, $"{m.Samples}",
            m.Numbers.ToString("N0", System.Globalization.CultureInfo.InvariantCulture), Words.Number(m.Seen, 3), Words.Number(m.Unseen, 3), Words.Percent(m.Gap)])],
        $"Mean over blocks {string.Join(", ", request.Blocks)}; {request.Bits} bits by rows, {request.Learning.Steps} steps of {request.Learning.Batch} sequences; unseen: {request.Unseen} sequences of {unseen}. "
            + "Each block reads what the original ones before it give.");

    private static StudyTable ByBlock(IReadOnlyList<GapPoint> points) => new("Block by block: Σ‖ŷ − y‖² / Σ‖y‖² in parts of a thousand",
        ["block", "method", "sequences", "seen: rounded", "learned", "unseen: rounded", "learned", "seconds"],
        [.. points.OrderBy(p => p.Block).Select(p => (IReadOnlyList<string>)[$"{p.Block}", $"{p.Method}{(p.Rank is { } r ? $" {r}" : "")}", $"{p.Samples}",
            Thousandth(p.SeenRounded), Thousandth(p.Seen), Thousandth(p.UnseenRounded), Thousandth(p.Unseen), Words.Number(p.Seconds, 0)])]);

    private static string Thousandth(double error) => Words.Number(1000 * error, 4);

    private static Claim[] Claims(GapRequest request, GapMean[] flex, GapMean[] lrq, GapMean[] ranks, GapMean atRanks)
    {
        string Pairs(Func<GapMean, double> of, bool percent) => string.Join(", ", flex.Zip(lrq, (f, l) =>
            $"{(percent ? Words.Percent(of(l)) : Words.Number(of(l), 3))} against {(percent ? Words.Percent(of(f)) : Words.Number(of(f), 3))} ({f.Samples})"));
        var (few, many) = (flex[0], flex[^1]);
        double part = (double)lrq[0].Numbers / flex[0].Numbers;
        Claim[] always =
        [
            new("on unseen text LRQ errs less than FlexRound", "Figure 3", $"its mean error is lower at each of {flex.Length} numbers of sequences",
                $"LRQ {Pairs(m => m.Unseen, false)}", flex.Zip(lrq).All(p => p.Second.Unseen < p.First.Unseen)),
            new("between seen and unseen text LRQ's error grows less than FlexRound's", "Figure 3", "at each number of sequences", $"LRQ {Pairs(m => m.Gap, true)}", flex.Zip(lrq).All(p => p.Second.Gap < p.First.Gap)),
            new("FlexRound gains from more sequences", "Figure 2", "its unseen error falls from the fewest to the most", flex.Length < 2 ? "one number of sequences" : $"{Words.Number(few.Unseen, 3)} with {few.Samples}, {Words.Number(many.Unseen, 3)} with {many.Samples}",
                flex.Length < 2 ? null : many.Unseen < few.Unseen),
            new("LRQ learns about half of FlexRound's numbers", "its ranks", "between 40 % and 60 %", Words.Percent(part), part is > 0.4 and < 0.6),
        ];
        if (ranks.Length < 2) return always;
        return [.. always, new("the fewer numbers, the smaller the gap", "its argument", "the gap rises with the rank, and FlexRound's is above all",
            $"{string.Join(", ", ranks.Select(r => $"{Words.Percent(r.Gap)} ({r.Rank})"))}; FlexRound {Words.Percent(atRanks.Gap)}",
            ranks.Zip(ranks.Skip(1)).All(p => p.First.Gap <= p.Second.Gap) && ranks.All(r => r.Gap < atRanks.Gap))];
    }

    private static string Reading(GapMean[] flex, GapMean[] lrq, GapMean[] ranks)
    {
        var best = flex.Concat(lrq).Concat(ranks).MinBy(m => m.Unseen)!;
        var worse = flex.Concat(lrq).Concat(ranks).Where(m => m.Unseen > 1).ToList();
        string overfit = worse.Count == 0 ? "Nothing that was learned is worse than rounding on unseen text."
            : $"Worse than rounding on unseen text: {string.Join(", ", worse.Select(m => $"{m.Name} from {m.Samples} sequences ({Words.Number(m.Unseen, 2)})"))}.";
        return $"The least unseen error has {best.Name} from {best.Samples} sequences: {Words.Number(best.Unseen, 3)} of what rounding leaves. "
            + $"With {flex[0].Samples} sequences the unseen error lies {Words.Percent(flex[0].Gap)} above the seen one for FlexRound and {Words.Percent(lrq[0].Gap)} for LRQ, with {flex[^1].Samples} {Words.Percent(flex[^1].Gap)} and {Words.Percent(lrq[^1].Gap)}. {overfit}";
    }

    private static Chart Samples(StudySetting setting, GapRequest request, GapMean[] flex, GapMean[] lrq) => new($"Learned blocks, seen and unseen, {setting.Model}",
        new Axis("sequences learned from", Log: true), new Axis("error, in parts of rounding's", From: 0),
        [
            Line("FlexRound, seen", flex, m => m.Samples, m => m.Seen, 0, 0), Line("FlexRound, unseen", flex, m => m.Samples, m => m.Unseen, 0, 1),
            Line("LRQ, seen", lrq, m => m.Samples, m => m.Seen, 1, 0), Line("LRQ, unseen", lrq, m => m.Samples, m => m.Unseen, 1, 1),
        ])
    {
        Note = $"Mean over blocks {string.Join(", ", request.Blocks)}, {request.Bits} bits by rows, {request.Learning.Steps} steps; lower is better.",
        Guides = [new(1, "rounded to the nearest")],
    };

    private static Chart Ranks(StudySetting setting, GapRequest request, GapMean[] ranks, GapMean flex) => new($"LRQ over its rank, {setting.Model}",
        new Axis("rank", Log: true), new Axis("error, in parts of rounding's", From: 0),
        [Line("LRQ, seen", ranks, m => m.Rank!.Value, m => m.Seen, 1, 0), Line("LRQ, unseen", ranks, m => m.Rank!.Value, m => m.Unseen, 1, 1)])
    {
        Note = $"Learned from {request.RankSamples} sequences, mean over blocks {string.Join(", ", request.Blocks)}; lower is better.",
        Guides = [new(flex.Seen, "FlexRound, seen"), new(flex.Unseen, "FlexRound, unseen")],
    };

    private static Series Line(string name, GapMean[] means, Func<GapMean, double> x, Func<GapMean, double> y, int tint, int shape) =>
        new(name, [.. means.Select(m => new DataPoint(x(m), y(m)))], Tint: tint, Shape: shape);
}
