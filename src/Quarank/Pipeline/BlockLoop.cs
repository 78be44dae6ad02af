using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Compression.Learning.Tuning;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Models.Scaling;
using Quarank.Numerics;
using Quarank.Pipeline.Transforms;

namespace Quarank.Pipeline;

/// <summary>
/// Block after block: run it on the calibration sequences, gather Gram matrices at its four input sites, compress its layers,
/// run it again as it is stored. One block's weights are in memory at a time.
/// </summary>
internal sealed class BlockLoop(
    Checkpoint checkpoint, ModelSpec spec, Recipe recipe, Assignment methods, CalibrationSet calibration, RunOptions options, MemoryPlan memory,
    RunDirectory run, StatisticsFolder? kept, RunClock clock, CancellationToken token) : IDisposable
{
    private const long LargeBlock = 256L << 20;
    private readonly InputSite[] _sites = [.. spec.Sites];
    private readonly LayerCompressor _compressor = new(methods, recipe, clock, token, memory.LayersTogether);
    private readonly TokenWeighting _weighting = recipe.Weighting();
    private readonly SequencePass _pass = new(spec, calibration, clock, token, memory.Lanes);
    private readonly BlockEquivalence _equivalence = new(checkpoint.Tensors, spec, methods);
    private readonly BlockScaling _scaling = new(checkpoint, spec, recipe, methods);
    private HiddenStates? _hidden, _targets;      // what enters the block at work; in the original model, where something is learned
    private LearningReport? _learned;
    private double _learnedSeconds;
    private readonly BlockTuning? _tuning = recipe.Tune is { } tune ? new(spec, tune, checkpoint.Tensors) : null;
    private int _learnedSteps, _rounds, _chosen;      // of the block at work
    private StepBudget? _budget;
    private long _stored = Stopwatch.GetTimestamp();

    private bool Original => recipe.Propagate == Propagation.Original;

    /// <summary>False if it was to stop before the last block.</summary>
    public bool Run()
    {
        int first = run.Blocks.Count, end = Math.Min(spec.BlockCount, options.StopAfter ?? spec.BlockCount);
        if (options.TimeBudget is { } time) _budget = new(time, Enumerable.Range(first, end - first).Count(Learns));
        if (first < end && NeedsHidden(first)) clock.Time(RunPhase.Resume, () => Restore(first));
        for (int i = first; i < end; i++)
        {
            token.ThrowIfCancellationRequested();
            clock.Start(i);
            (_learned, _learnedSeconds, _learnedSteps, _rounds) = (null, 0, 0, 0);
            _budget?.Start();
            var block = Load(i);
            var (reports, scaled) = Original ? OnOriginal(block) : OnCompressed(block);
            block = scaled?.Block ?? block;
            var tensors = new StoredTensors();
            foreach (var projection in block.Projections) projection.Weight.Save(tensors.Under(projection.Name));
            foreach (var vector in Vectors(block, scaled)) tensors.Add(vector.Name, vector);
            if (!Original && NeedsHidden(i + 1)) clock.Time(RunPhase.Forward, () => Advance(block));
            clock.Measure(RunPhase.Store, () => run.Store(tensors));
            if (NeedsHidden(i + 1)) clock.Measure(RunPhase.Store, () => StoreHidden(i + 1, i + 1 == end));
            run.Finish(clock.Take(), reports, _learned);
            if (_learned is not null) _budget?.Finish(_learnedSteps, _learnedSeconds);
            Tidy();
        }
        return end == spec.BlockCount;
    }

    public void Dispose()
    {
        _hidden?.Dispose();
        _targets?.Dispose();
    }

    private bool Learns(int block) => _tuning is not null || spec.Projections(block).Any(p => methods[p.Name].Learner is not null);

    /// <summary>Norms and biases that changed.</summary>
    private IEnumerable<StoredTensor> Vectors(Block block, ScaledBlock? scaled)
    {
        List<StoredTensor> tuned = [.. _tuning?.Vectors(block) ?? []];
        return tuned.Concat((scaled?.Vectors ?? []).Where(v => !tuned.Exists(t => t.Name == v.Name)));
    }

    // Weights and Gram matrices of a large block should not wait for the collector while the next one's are made.
    private void Tidy()
    {
        if (!memory.LayersTogether) _pass.LetGo();
        if (memory.Block + memory.Grams > LargeBlock) GC.Collect();
    }

    /// <summary>Whether any block from this one on must still be run.</summary>
    private bool NeedsHidden(int block)
    {
        for (int i = block; i < spec.BlockCount; i++)
            if (!Original || kept is null || !kept.Has(i)) return true;
        return false;
    }

    private (LayerReport[], ScaledBlock?) OnOriginal(Block block)
    {
        bool twice = ObservesTwice(block);
        var statistics = clock.Time(RunPhase.Observe, () => twice ? Observe(block, _sites, advance: false, _weighting with { Roundings = [] }) : OriginalStatistics(block));
        Tidy();
        return clock.Time(RunPhase.Compress, () =>
        {
            var scaled = _scaling.Scale(block, statistics, _pass.Buffers);
            // The same function, so that its states may go on.
            if (twice) scaled = scaled! with { Statistics = clock.Time(RunPhase.Observe, () => Observe(scaled.Block, _sites, NeedsHidden(block.Index + 1))) };
            return (_compressor.Compress((scaled?.Block ?? block).Projections, scaled?.Statistics ?? statistics, scaled), scaled);
        });
    }

    /// <summary>Whether inputs are rounded that are divided by factors first: what they are rounded to can be gathered only when the factors are known.</summary>
    private bool ObservesTwice(Block block) => _weighting.Roundings.Count > 0 && block.Projections.Any(p => methods.Folding(p.Name) is not null);

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

    private (LayerReport[], ScaledBlock?) OnCompressed(Block block)
    {
        InputSite[][] steps = recipe.Order == Order.Block ? [_sites] : [.. _sites.GroupBy(s => s.Place).Select(g => g.ToArray())];
        var reports = new Dictionary<string, LayerReport>();
        if (Learns(block.Index)) clock.Time(RunPhase.Forward, () => _pass.Run(block, _targets!, advance: true, null));
        ScaledBlock? scaled = null;
        var weights = new Dictionary<string, Matrix<float>>();      // as they were before any was tuned
        var problems = new Dictionary<string, LayerProblem>();
        foreach (var sites in steps)
        {
            bool twice = ObservesTwice(block);
            var statistics = clock.Time(RunPhase.Observe, () => Observe(block, sites, advance: false, twice ? _weighting with { Roundings = [] } : null));
            Tidy();
            if (recipe.Order == Order.Block && clock.Time(RunPhase.Compress, () => _scaling.Scale(block, statistics, _pass.Buffers)) is { } folded)
                (scaled, block, statistics) = (folded, folded.Block, twice ? clock.Time(RunPhase.Observe, () => Observe(folded.Block, sites, advance: false)) : folded.Statistics);
            if (_tuning is not null && weights.Count == 0) weights = block.Projections.ToDictionary(p => p.Name, p => p.Weight.ToDense());
            var learned = block.Projections.Where(p => methods[p.Name].Learner is not null).ToList();
            var projections = block.Projections.Where(p => sites.Contains(p.Site)).Except(learned).ToList();
            var compressed = clock.Time(RunPhase.Compress, () => _compressor.Compress(projections, statistics, scaled));
            if (learned.Count > 0 && _equivalence.FoldsOf(block) is { Count: > 0 } folds)
            {
                (scaled, var reported) = clock.Time(RunPhase.Compress, () => LearnChannels(block, learned, folds, statistics));
                (block, compressed) = (scaled.Block, [.. compressed, .. reported]);
            }
            else if (learned.Count > 0) compressed = [.. compressed, .. clock.Time(RunPhase.Compress, () => Learn(block, learned, statistics, scaled))];
            foreach (var report in compressed) reports.Add(report.Name, report);
            if (_tuning is null) continue;
            foreach (var p in projections) problems.Add(p.Name, _compressor.Problem(p, statistics[p.Site], scaled, [], weights[p.Name]));
            bool last = sites == steps[^1];
            if (last || recipe.Tune!.Rest) clock.Time(RunPhase.Compress, () => Tune(block, problems.Keys, recipe.Tune!.Rest ? steps.Length : 1));
        }
        foreach (var (name, problem) in problems)
        {
            var layer = block.Projections.First(p => p.Name == name).Weight;
            reports[name] = reports[name] with { Form = layer.Format, Bits = layer.Bits, BitsPerWeight = layer.BitsPerWeight, RelativeError = ProxyLoss.Relative(problem, layer) };
        }
        return ([.. block.Projections.Select(p => reports[p.Name])], scaled);
    }

    /// <summary>Layers whose methods learn, with the others as they are stored by now.</summary>
    private LayerReport[] Learn(Block block, List<Projection> learned, Dictionary<InputSite, SiteStatistics> statistics, ScaledBlock? scaled) =>
        _compressor.Learn(learned, statistics, scaled, layers =>
        {
            BlockMethod[] all = [.. learned.Select(p => methods[p.Name].Learner!)];
            int[] places = [.. learned.Select(p => block.Projections.ToList().IndexOf(p))];
            var problem = new SequenceProblem(spec, block, places, layers, _hidden!, _targets!, all[0].Learning);
            for (int l = 0; l < layers.Count; l++)
                if (methods[learned[l].Name].Rounding is { } rounding) problem.RoundInput(l, RoundedInputs.RounderOf(layers[l], rounding));
            var (result, _) = Train(block, problem, () => LearningTask.Of(layers, [.. layers.Select((l, i) => all[i].Begin(l))], all, SeedOf(block)), 1);
            return [.. result.Layers.Select((layer, l) => methods[learned[l].Name].Around(layers[l], layer))];
        });

    /// <summary>As <see cref="Learn"/>, with factors of channels; they begin as SmoothQuant's or as ones, whichever errs less.</summary>
    /// <returns>The block with the factors folded and its layers as they were learned, and these layers' reports.</returns>
    private (ScaledBlock, LayerReport[]) LearnChannels(Block block, List<Projection> learned, IReadOnlyList<ScaleFold> folds, Dictionary<InputSite, SiteStatistics> statistics)
    {
        var peaks = new PeakCollector(block.Index, [.. folds.Select(f => f.Site)]);
        _pass.Run(block, _hidden!, advance: false, peaks);
        // One after the other, and the better one again: two at once would be twice the memory.
        float[][] smooth = [.. folds.Select(f => _equivalence.Start(block, f, peaks))], ones = [.. folds.Select(BlockEquivalence.Ones)];
        ChannelStart Open(float[][] factors) => OpenChannels(block, learned, folds, factors, statistics);
        double asSmooth = Open(smooth).Error;
        var start = Open(ones);
        double asOnes = start.Error;
        if (asSmooth <= asOnes) start = Open(smooth);
        EquivalentScales? scales = null;
        var (result, _) = Train(block, start.Problem, () =>
        {
            (var task, scales) = _equivalence.Begin(start.Scaled.Block, start.Learned, start.Layers, folds, start.Factors, SeedOf(block));
            return task;
        }, 1);
        FoldedScale[] totals = [.. folds.Select((f, i) => new FoldedScale(f, _equivalence.Total(f, start.Factors[i], scales!.Factors(i))))];
        string from = FormattableString.Invariant($"factors learned from {(asSmooth <= asOnes ? "SmoothQuant's" : "ones")} (the block's error with these {Math.Min(asSmooth, asOnes):0.00000}, with the others {Math.Max(asSmooth, asOnes):0.00000})");
        var scaled = _scaling.Fold(block, statistics, totals, folds.ToDictionary(f => f.Site, f => $"OmniQuant: {from}; folded into {f.Target}"), _pass.Buffers);
        // Sums of rounded inputs are not to be had from those of inputs without factors.
        var seen = recipe.Roundings.Count == 0 ? scaled.Statistics : Observe(scaled.Block, _sites, advance: false);
        KeepOthers(block, learned, scaled.Block);
        var layers = Of(scaled.Block, learned);
        var reports = _compressor.Learn(layers, seen, scaled, problems => [.. result.Layers.Select((l, i) => methods[layers[i].Name].Around(start.Layers[i], l))]);
        return (scaled, reports);
    }

    /// <summary>A block with factors folded, before anything is learned.</summary>
    /// <param name="Error">On the sequences to be learned from.</param>
    private sealed record ChannelStart(
        ScaledBlock Scaled, List<Projection> Learned, LayerProblem[] Layers, IReadOnlyList<float[]> Factors, SequenceProblem Problem, double Error);

    private ChannelStart OpenChannels(Block block, List<Projection> learned, IReadOnlyList<ScaleFold> folds, float[][] factors, Dictionary<InputSite, SiteStatistics> statistics)
    {
        var scaled = _scaling.Fold(block, statistics, [.. folds.Select((f, i) => new FoldedScale(f, factors[i]))], new Dictionary<InputSite, string>(), _pass.Buffers);
        var own = Of(scaled.Block, learned);
        var seen = recipe.Roundings.Count == 0 ? scaled.Statistics : Observe(scaled.Block, _sites, advance: false);
        KeepOthers(block, learned, scaled.Block);
        LayerProblem[] layers = [.. own.Select(p => _compressor.Problem(p, seen[p.Site], scaled, []))];
        foreach (var layer in layers) LayerGuard.Check(layer);
        int[] places = [.. own.Select(p => scaled.Block.Projections.ToList().IndexOf(p))];
        var problem = new SequenceProblem(spec, scaled.Block, places, layers, _hidden!, _targets!, methods[own[0].Name].Learner!.Learning, _equivalence.VectorsOf(scaled.Block, folds));
        for (int l = 0; l < layers.Length; l++)
            if (methods[own[l].Name].Rounding is { } rounding) problem.RoundInput(l, RoundedInputs.RounderOf(layers[l], rounding));
        var (task, _) = _equivalence.Begin(scaled.Block, own, layers, folds, factors, 0);
        foreach (var (part, weight) in task.Parts.Zip(problem.Weights)) part.DecodeStored(weight);
        return new(scaled, own, layers, factors, problem, problem.ErrorOf(heldOut: false));
    }

    private static List<Projection> Of(Block block, List<Projection> like) => [.. like.Select(l => block.Projections.First(p => p.Name == l.Name))];

    // Layers that other methods have compressed by now: no factor concerns them, since a fold has none that does not learn.
    private static void KeepOthers(Block from, List<Projection> learned, Block to)
    {
        foreach (var (source, kept) in from.Projections.Zip(to.Projections))
            if (!learned.Contains(source)) kept.Weight = source.Weight;
    }

    /// <summary>Tunes what is compressed of a block by now, and what is not yet where the recipe says so.</summary>
    /// <param name="rounds">How often this block is tuned, this time included.</param>
    private void Tune(Block block, IReadOnlyCollection<string> compressed, int rounds)
    {
        var (done, rest) = (block.Projections.Where(p => compressed.Contains(p.Name)).ToList(), block.Projections.Where(p => !compressed.Contains(p.Name)).ToList());
        var round = _tuning!.Open(block, done, rest, _hidden!, _targets!, SeedOf(block));
        var (learned, task) = Train(block, round.Problem, round.Begin, rounds);
        BlockTuning.Close(round, task, learned);
    }

    private int SeedOf(Block block) => LayerCompressor.SeedOf($"block {block.Index}", recipe.Seed);

    /// <param name="rounds">As in <see cref="StepBudget.Choose"/>.</param>
    private (LearnedBlock Learned, LearningTask Task) Train(Block block, SequenceProblem problem, Func<LearningTask> begin, int rounds)
    {
        var store = run.Learning(block.Index, _rounds, options.LearningEvery);
        // The budget speaks once a block, and not where an earlier attempt has begun with what it said then.
        if (_budget is not null && _rounds == 0) _chosen = store.Steps ?? _budget.Choose(problem, begin, rounds);
        var task = begin();
        if (_budget is not null) task = task with { Settings = task.Settings with { Steps = _chosen } };
        var result = BlockTrainer.Train(problem, task, store, (step, error) => clock.Report(step, task.Settings.Steps, error), token);
        (_learned, _learnedSeconds, _learnedSteps, _rounds) = (result.Report, _learnedSeconds + result.Seconds, _learnedSteps + result.Taken, _rounds + 1);
        return (result, task);
    }

    private Dictionary<InputSite, SiteStatistics> Observe(Block block, InputSite[] sites, bool advance, TokenWeighting? weighting = null) =>
        BlockObserver.Observe(_pass, block, _hidden!, sites, weighting ?? _weighting, advance);

    /// <summary>
    /// Runs the block as it is stored. Layers that are decoded for a product of many tokens are decoded once, to the same
    /// effect.
    /// </summary>
    private void Advance(Block block)
    {
        foreach (var projection in block.Projections)
            if (projection.Weight is not ProductLinear && !projection.Weight.RoundsInput) projection.Weight = DenseLinear.InFloats(projection.Weight);
        _pass.Run(block, _hidden!, advance: true, null);
    }

    private Block Load(int index) => Load(index, checkpoint.Tensors);

    private Block Load(int index, StoredTensors tensors)
    {
        Block? block = null;
        clock.Measure(RunPhase.Read, () => block = Model.LoadBlockInFloats(tensors, checkpoint.Config, spec, index, _pass.Buffers));
        return block!;
    }

    /// <summary>A finished block as it is stored.</summary>
    private Block LoadFinished(int index)
    {
        using var stored = run.Open(index);
        var block = Load(index, checkpoint.Tensors.With(run.Vectors(index, stored)));
        run.Restore(block);
        return block;
    }

    /// <summary>
    /// The states that enter block <paramref name="first"/>: from the file as far as it goes, else by running what is finished.
    /// </summary>
    private void Restore(int first)
    {
        int length = calibration.Sequences[0].Length, from = 0;
        string? kept = memory.HiddenOnDisk ? run.WorkFile : null;
        var file = HiddenStates.TryLoad(run.HiddenStatesFile, calibration.Sequences.Count, length, spec.HiddenSize, kept);
        if (file is { } stored && stored.Block <= first)
            (from, _hidden) = stored;
        else
        {
            file?.Hidden.Dispose();
            _hidden = HiddenStates.Embed(
                Original ? Model.LoadEmbedding(checkpoint, spec) : ModelTables.Embedding(checkpoint, spec, recipe), calibration, kept);
        }
        bool learns = recipe.Learns;
        if (learns) _targets = HiddenStates.Embed(Model.LoadEmbedding(checkpoint, spec), calibration, memory.HiddenOnDisk ? run.OriginalFile : null);
        for (int i = learns ? 0 : from; i < first; i++)
        {
            clock.Start(i);
            if (learns) _pass.Run(Load(i), _targets!, advance: true, null);
            if (i >= from) Advance(Original ? Load(i) : LoadFinished(i));
        }
    }

    private void StoreHidden(int block, bool last)
    {
        if (!last && Stopwatch.GetElapsedTime(_stored) < options.HiddenStatesEvery) return;
        _hidden!.Save(run.HiddenStatesFile, block);
        _stored = Stopwatch.GetTimestamp();
    }
}
