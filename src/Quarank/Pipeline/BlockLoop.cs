using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// Block after block: run it on the calibration sequences, gather Gram matrices at its four input sites, compress its layers,
/// run it again as it is stored. One block's weights are in memory at a time.
/// </summary>
internal sealed class BlockLoop(
    Checkpoint checkpoint, ModelSpec spec, Recipe recipe, Assignment methods, CalibrationSet calibration, RunOptions options, RunDirectory run,
    StatisticsFolder? kept, RunClock clock, CancellationToken token)
{
    private readonly InputSite[] _sites = [.. spec.Sites];
    private readonly LayerCompressor _compressor = new(methods, recipe, clock, token);
    private readonly TokenWeighting _weighting = recipe.Weighting();
    private readonly SequencePass _pass = new(spec, calibration, clock, token);
    private Matrix<float>[] _hidden = [];
    private long _stored = Stopwatch.GetTimestamp();

    private bool Original => recipe.Propagate == Propagation.Original;

    public void Run()
    {
        int first = run.Blocks.Count;
        if (NeedsHidden(first)) clock.Time(RunPhase.Resume, () => Restore(first));
        for (int i = first; i < spec.BlockCount; i++)
        {
            token.ThrowIfCancellationRequested();
            clock.Start(i);
            var block = Load(i);
            var reports = Original ? OnOriginal(block) : OnCompressed(block);
            var tensors = new StoredTensors();
            foreach (var projection in block.Projections) projection.Weight.Save(tensors.Under(projection.Name));
            if (!Original && NeedsHidden(i + 1)) clock.Time(RunPhase.Forward, () => Advance(block));
            run.Finish(tensors, clock.Take(), reports);
            if (NeedsHidden(i + 1)) StoreHidden(i + 1);
        }
    }

    /// <summary>Whether any block from this one on must still be run.</summary>
    private bool NeedsHidden(int block)
    {
        for (int i = block; i < spec.BlockCount; i++)
            if (!Original || kept is null || !kept.Has(i)) return true;
        return false;
    }

    private LayerReport[] OnOriginal(Block block)
    {
        var statistics = clock.Time(RunPhase.Observe, () => OriginalStatistics(block));
        return clock.Time(RunPhase.Compress, () => _compressor.Compress(block.Projections, statistics));
    }

    private Dictionary<InputSite, SiteStatistics> OriginalStatistics(Block block)
    {
        bool goOn = NeedsHidden(block.Index + 1);
        if (kept is not null && kept.Has(block.Index))
        {
            if (goOn) Advance(block);
            return kept.Load(block.Index, _sites);
        }
        // The states that pass through are those of the original block, so one forward pass serves both ends.
        var statistics = Observe(block, _sites, goOn);
        kept?.Save(block.Index, statistics);
        return statistics;
    }

    private LayerReport[] OnCompressed(Block block)
    {
        InputSite[][] steps = recipe.Order == Order.Block ? [_sites] : [.. _sites.GroupBy(s => s.Place).Select(g => g.ToArray())];
        var reports = new Dictionary<string, LayerReport>();
        foreach (var sites in steps)
        {
            var statistics = clock.Time(RunPhase.Observe, () => Observe(block, sites, advance: false));
            var projections = block.Projections.Where(p => sites.Contains(p.Site)).ToList();
            var compressed = clock.Time(RunPhase.Compress, () => _compressor.Compress(projections, statistics));
            foreach (var report in compressed) reports.Add(report.Name, report);
        }
        return [.. block.Projections.Select(p => reports[p.Name])];
    }

    private Dictionary<InputSite, SiteStatistics> Observe(Block block, InputSite[] sites, bool advance) =>
        BlockObserver.Observe(_pass, block, _hidden, sites, _weighting, advance);

    /// <summary>
    /// Runs the block as it is stored. Layers that are decoded for a product of many tokens are decoded once, to the same
    /// effect.
    /// </summary>
    private void Advance(Block block)
    {
        foreach (var projection in block.Projections)
            if (projection.Weight is not ProductLinear) projection.Weight = new DenseLinear(projection.Weight.ToDense());
        _pass.Run(block, _hidden, advance: true, null);
    }

    /// <summary>A block of the original, its weights in floats.</summary>
    private Block Load(int index)
    {
        var block = Model.LoadBlock(checkpoint, spec, index, _pass.Buffers);
        foreach (var projection in block.Projections) projection.Weight = new DenseLinear(projection.Weight.ToDense());
        return block;
    }

    /// <summary>
    /// The states that enter block <paramref name="first"/>: from the file as far as it goes, else by running what is finished.
    /// </summary>
    private void Restore(int first)
    {
        int length = calibration.Sequences[0].Length, from = 0;
        var file = HiddenStates.TryLoad(run.HiddenStatesFile, calibration.Sequences.Count, length, spec.HiddenSize);
        if (file is { } stored && stored.Block <= first)
            (from, _hidden) = stored;
        else
            _hidden = HiddenStates.Embed(Model.LoadEmbedding(checkpoint, spec), calibration);
        for (int i = from; i < first; i++)
        {
            clock.Start(i);
            var block = Load(i);
            if (!Original) run.Restore(block);
            Advance(block);
        }
    }

    private void StoreHidden(int block)
    {
        if (Stopwatch.GetElapsedTime(_stored) < options.HiddenStatesEvery) return;
        HiddenStates.Save(run.HiddenStatesFile, block, _hidden);
        _stored = Stopwatch.GetTimestamp();
    }
}
