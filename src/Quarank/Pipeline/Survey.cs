using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Tokenizers;

namespace Quarank.Pipeline;

/// <summary>
/// The original model, block by block, with what calibration saw of each layer's input; nothing is compressed. Gram matrices go through a
/// statistics folder, so that what one survey (or one run with <c>propagate original</c>) has gathered serves the next.
/// </summary>
public sealed class Survey : IDisposable
{
    private readonly Checkpoint _checkpoint;
    private readonly StatisticsFolder _kept;
    private readonly TokenWeighting _weighting;
    private readonly CalibrationSettings _settings;
    private HiddenStates? _hidden;
    private int _at;

    private Survey(Checkpoint checkpoint, ModelSpec spec, CalibrationSettings settings, CalibrationSet calibration,
        TokenWeighting weighting, StatisticsFolder kept, string modelHash) =>
        (_checkpoint, Spec, _settings, Calibration, _weighting, _kept, ModelHash) =
            (checkpoint, spec, settings, calibration, weighting, kept, modelHash);

    /// <summary>The model's folder.</summary>
    internal Checkpoint Checkpoint => _checkpoint;

    public ModelSpec Spec { get; }

    public CalibrationSet Calibration { get; }

    /// <summary>All layers that a method may compress.</summary>
    public IReadOnlyList<LayerShape> Shapes => Plan.Shapes(Spec);

    /// <summary>How many blocks must still be observed.</summary>
    public int Missing => Enumerable.Range(0, Spec.BlockCount).Count(i => !_kept.Has(i));

    /// <summary>Tells two models apart.</summary>
    public string ModelHash { get; }

    /// <param name="statisticsFolder">Where Gram matrices are kept; made when it does not exist.</param>
    /// <exception cref="InvalidDataException">Something that was given cannot be used; the message says what, and what to do.</exception>
    public static Survey Open(string modelFolder, CalibrationSettings calibration, string statisticsFolder, CancellationToken token = default) =>
        Open(modelFolder, calibration, null, statisticsFolder, TokenWeighting.Plain, token);

    /// <summary>As the public one.</summary>
    /// <param name="set">The tokens of the calibration, when they have been read already.</param>
    /// <param name="weighting">What is to be gathered.</param>
    internal static Survey Open(
        string modelFolder, CalibrationSettings calibration, CalibrationSet? set, string statisticsFolder, TokenWeighting weighting, CancellationToken token)
    {
        var checkpoint = Checkpoint.Open(modelFolder);
        try
        {
            var spec = ModelSpec.Of(checkpoint);
            var recipe = new Recipe(new RoundToNearest(new GridFormat(8)), calibration) { Propagate = Propagation.Original };
            Plan.Of(checkpoint, spec, recipe);   // refuses what no run could do
            set ??= CalibrationSet.Read(calibration, Tokenizer.Load(checkpoint.Directory, calibration.TokenizerRules), token);
            var fingerprint = RunFingerprint.Of(recipe, checkpoint, set);
            var kept = StatisticsFolder.Open(Path.GetFullPath(statisticsFolder), fingerprint, weighting);
            return new(checkpoint, spec, calibration, set, weighting, kept, fingerprint.Model);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Hands the layers of each block in <paramref name="blocks"/> (ascending) to <paramref name="visit"/>. Blocks run on the calibration
    /// sequences only as far as their statistics are not kept yet.
    /// </summary>
    public void Visit(IReadOnlyList<int> blocks, Action<int, IReadOnlyList<LayerProblem>> visit, IProgress<RunProgress>? progress = null,
        CancellationToken token = default) =>
        VisitLayers(blocks, (block, layers) => visit(block, [.. layers.Select(l => l.Plain)]), progress, token);

    /// <summary>As <see cref="Visit"/>, with tokens weighted as a method asks.</summary>
    internal void VisitLayers(IReadOnlyList<int> blocks, Action<int, IReadOnlyList<SurveyedLayer>> visit, IProgress<RunProgress>? progress,
        CancellationToken token)
    {
        var clock = new RunClock(Spec.BlockCount, progress);
        var pass = new SequencePass(Spec, Calibration, clock, token);
        foreach (int index in blocks)
        {
            token.ThrowIfCancellationRequested();
            if (!_kept.Has(index)) clock.Time(RunPhase.Observe, () => Observe(index, pass, clock));
            clock.Start(index);
            clock.Time(RunPhase.Compress, () => visit(index, Layers(index, pass)));
        }
    }

    /// <summary>Gathers the statistics of all blocks that are not kept yet.</summary>
    internal void Gather(IProgress<RunProgress>? progress, CancellationToken token)
    {
        var clock = new RunClock(Spec.BlockCount, progress);
        var pass = new SequencePass(Spec, Calibration, clock, token);
        for (int i = 0; i < Spec.BlockCount; i++)
            if (!_kept.Has(i)) clock.Time(RunPhase.Observe, () => Observe(i, pass, clock));
    }

    public void Dispose()
    {
        _hidden?.Dispose();
        _checkpoint.Dispose();
    }

    // States enter at the first block that is missing and pass through all up to this one.
    private void Observe(int index, SequencePass pass, RunClock clock)
    {
        if (_hidden is null) (_hidden, _at) = (HiddenStates.Embed(Model.LoadEmbedding(_checkpoint, Spec), Calibration), 0);
        for (; _at <= index; _at++)
        {
            clock.Start(_at);
            var block = Load(_at, pass);
            if (_kept.Has(_at)) pass.Run(block, _hidden, advance: true, null);
            else _kept.Save(_at, BlockObserver.Observe(pass, block, _hidden, Spec.Sites, _weighting, advance: true));
        }
    }

    private List<SurveyedLayer> Layers(int index, SequencePass pass)
    {
        var (block, statistics) = (Load(index, pass), _kept.Load(index, Spec.Sites));
        return [.. block.Projections.Select(p => new SurveyedLayer(p.Name, p.Weight.ToDense(), statistics[p.Site], _settings))];
    }

    private Block Load(int index, SequencePass pass) => Model.LoadBlockInFloats(_checkpoint, Spec, index, pass.Buffers);
}
