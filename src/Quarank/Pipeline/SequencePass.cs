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

    public SequencePass(ModelSpec spec, CalibrationSet calibration, RunClock clock, CancellationToken token)
    {
        int lanes = Lanes(spec, calibration.Sequences.Count, calibration.Sequences[0].Length);
        (_clock, _token) = (clock, token);
        _buffers = [.. Enumerable.Range(0, lanes).Select(_ => new ForwardBuffers(spec))];
        _seen = [.. Enumerable.Range(0, lanes).Select(_ => new Dictionary<InputSite, Matrix<float>>())];
        _room = [.. Enumerable.Range(0, lanes).Select(_ => new Dictionary<InputSite, Matrix<float>>())];
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
        4L * length * (7L * spec.HiddenSize + 4L * spec.QuerySize + 4L * spec.KeyValueSize + 3L * spec.IntermediateSize);

    /// <param name="advance">Replace each sequence's hidden states by what leaves the block.</param>
    /// <param name="collector">Gets what the sites read, if anybody wants to know.</param>
    /// <param name="shown">Experts that are to be shown all tokens; the states are then left as they are. Null runs the block as it is.</param>
    public void Run(Block block, Matrix<float>[] hidden, bool advance, StatisticsCollector? collector, IReadOnlyList<int>? shown = null)
    {
        for (int first = 0; first < hidden.Length; first += _buffers.Length)
        {
            _token.ThrowIfCancellationRequested();
            int start = first, count = Math.Min(_buffers.Length, hidden.Length - first);
            Threads.For(count, lane =>
            {
                _seen[lane].Clear();   // not every sequence reaches every expert
                ActivationObserver observe = (site, inputs) => Keep(lane, site, inputs, collector);
                if (shown is not null) block.ShowExperts(hidden[start + lane], shown, observe, _buffers[lane]);
                else if (advance) block.Forward(hidden[start + lane], observe, _buffers[lane]);
                else block.Observe(hidden[start + lane], observe, _buffers[lane]);
            });
            for (int lane = 0; lane < count && collector is not null; lane++)
                foreach (var (site, inputs) in _seen[lane].Where(seen => collector.Wants(seen.Key)))
                    collector.Add(first + lane, site, inputs);
            _clock.Report((first + count) / (double)hidden.Length);
        }
    }

    private void Keep(int lane, InputSite site, Matrix<float> inputs, StatisticsCollector? collector)
    {
        if (collector is null || !collector.Wants(site)) return;
        var room = _room[lane];
        if (!room.TryGetValue(site, out var kept) || kept.Rows != inputs.Rows) room[site] = kept = new(inputs.Rows, inputs.Columns);
        inputs.Data.CopyTo(kept.Data);
        _seen[lane][site] = kept;
    }
}
