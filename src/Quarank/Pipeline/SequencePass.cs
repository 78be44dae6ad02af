using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// Runs a block over all calibration sequences, as many side by side as there are threads and memory allows: whole sequences keep
/// the pool busier than the pieces of one. What the sites read is set aside, and summed up in the order of the sequences.
/// </summary>
internal sealed class SequencePass
{
    /// <summary>
    /// Lanes together take at most this much; a model too wide for that runs its sequences one by one, each on the whole pool.
    /// </summary>
    private const long MostBytes = 2L << 30;

    private readonly RunClock _clock;
    private readonly CancellationToken _token;
    private readonly ForwardBuffers[] _buffers;
    private readonly Dictionary<InputSite, Matrix<float>>[] _seen, _room;     // of the sequence at work; and what may be used again

    /// <param name="lanes">How many sequences run at once; as many as threads and memory allow if nobody says. It changes no result.</param>
    public SequencePass(ModelSpec spec, CalibrationSet calibration, RunClock clock, CancellationToken token, int? lanes = null)
    {
        int count = lanes ?? Lanes(spec, calibration.Sequences.Count, calibration.Sequences[0].Length);
        (_clock, _token) = (clock, token);
        _buffers = [.. Enumerable.Range(0, count).Select(_ => new ForwardBuffers(spec))];
        _seen = [.. Enumerable.Range(0, count).Select(_ => new Dictionary<InputSite, Matrix<float>>())];
        _room = [.. Enumerable.Range(0, count).Select(_ => new Dictionary<InputSite, Matrix<float>>())];
    }

    /// <summary>Of the first lane, for blocks to be made with.</summary>
    public ForwardBuffers Buffers => _buffers[0];

    /// <summary>How many sequences run at once. It changes no result.</summary>
    public static int Lanes(ModelSpec spec, int samples, int length)
    {
        int lanes = Math.Min(Threads.Count, samples);
        return lanes * LaneBytes(spec, length) <= MostBytes ? lanes : 1;
    }

    /// <summary>
    /// What one sequence at work takes: its intermediate matrices, its keys and values, and what its sites have read.
    /// </summary>
    public static long LaneBytes(ModelSpec spec, int length) =>
        4L * length * (7L * spec.HiddenSize + 4L * spec.QuerySize + 4L * spec.KeyValueSize + 3L * spec.IntermediateSize
            + Math.Max(0, spec.ExpertsPerToken - 1) * (3L * spec.IntermediateSize + 2L * spec.HiddenSize));

    /// <param name="advance">Replace each sequence's hidden states by what leaves the block.</param>
    /// <param name="collector">Gets what the sites read, if anybody wants to know.</param>
    /// <param name="shown">Experts that are to be shown all tokens; the states are then left as they are. Null runs the block as it is.</param>
    public void Run(Block block, HiddenStates hidden, bool advance, ISiteCollector? collector, IReadOnlyList<int>? shown = null)
    {
        for (int first = 0; first < hidden.Count; first += _buffers.Length)
        {
            _token.ThrowIfCancellationRequested();
            int start = first, count = Math.Min(_buffers.Length, hidden.Count - first);
            Threads.For(count, lane => hidden.Use(start + lane, advance, states =>
            {
                _seen[lane].Clear();   // not every sequence reaches every expert
                ActivationObserver observe = (site, inputs) => Keep(lane, site, inputs, collector);
                if (shown is not null) block.ShowExperts(states, shown, observe, _buffers[lane]);
                else if (advance) block.Forward(states, observe, _buffers[lane]);
                else block.Observe(states, observe, _buffers[lane]);
            }));
            if (collector is not null) _clock.Measure(RunPhase.Gram, () => Gather(collector, first, count), within: RunPhase.Observe);
            _clock.Report((first + count) / (double)hidden.Count);
        }
    }

    /// <summary>Lets go of what the sequences at work took, until the next ones come.</summary>
    public void LetGo()
    {
        for (int lane = 0; lane < _buffers.Length; lane++)
        {
            _buffers[lane].Fit(1);
            _buffers[lane].LetGo();
            _seen[lane].Clear();
            _room[lane].Clear();
        }
    }

    private void Gather(ISiteCollector collector, int first, int count)
    {
        for (int lane = 0; lane < count; lane++)
            foreach (var (site, inputs) in _seen[lane].Where(seen => collector.Wants(seen.Key)))
                collector.Add(first + lane, site, inputs);
    }

    private void Keep(int lane, InputSite site, Matrix<float> inputs, ISiteCollector? collector)
    {
        if (collector is null || !collector.Wants(site)) return;
        var room = _room[lane];
        if (!room.TryGetValue(site, out var kept) || kept.Rows != inputs.Rows) room[site] = kept = new(inputs.Rows, inputs.Columns);
        inputs.Data.CopyTo(kept.Data);
        _seen[lane][site] = kept;
    }
}
