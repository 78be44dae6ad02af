using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// Gathers what the input sites of a block read. An expert sees the tokens routed to it; one that saw fewer of them than its widest layer
/// has inputs is shown all tokens instead, as if each were sent to it: its matrices are then fitted to inputs of the right kind, though
/// not of the right share.
/// </summary>
internal static class BlockObserver
{
    /// <param name="advance">Replace each sequence's hidden states by what leaves the block.</param>
    public static Dictionary<InputSite, SiteStatistics> Observe(
        SequencePass pass, Block block, HiddenStates hidden, IReadOnlyCollection<InputSite> sites, TokenWeighting weighting, bool advance)
    {
        var experts = sites.Where(s => s.Expert is not null).ToLookup(s => s.Expert!.Value);
        var statistics = Gather(advance && experts.Count == 0, sites, null);
        if (experts.Count == 0) return statistics;

        int[] few = [.. experts.Select(e => e.Key).Where(e => Routed(e) < Needed(block, e))];
        if (few.Length > 0)
        {
            foreach (var (site, seen) in Gather(false, [.. few.SelectMany(e => experts[e])], few))
                statistics[site] = seen with { Routed = Routed(site.Expert!.Value) };
        }
        if (advance) pass.Run(block, hidden, advance: true, null);
        return statistics;

        long Routed(int expert) => statistics.TryGetValue(experts[expert].First(), out var seen) ? seen.Routed ?? seen.Tokens : 0;

        Dictionary<InputSite, SiteStatistics> Gather(bool goOn, IReadOnlyCollection<InputSite> of, int[]? shown)
        {
            var collector = new StatisticsCollector(block.Index, of, weighting);
            pass.Run(block, hidden, goOn, collector, shown);
            return collector.Finish();
        }
    }

    /// <summary>How many tokens an expert must see: as many as its widest layer has inputs.</summary>
    public static int Needed(Block block, int expert) => block.Projections.Where(p => p.Site.Expert == expert).Max(p => p.Weight.Columns);
}
