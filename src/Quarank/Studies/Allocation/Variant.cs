using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Studies.Allocation;

/// <summary>A model in which some layers are others.</summary>
/// <param name="Choices">Of the changed layers, counted through the model in the order of <see cref="ModelSpec.Projections"/>, the
/// number of the choice.</param>
internal sealed record Variant(IReadOnlyDictionary<int, int> Choices);

/// <summary>
/// Measures how far variants of a model lie from it, in next-token distributions on some sequences. Variants run side by side:
/// a block's weights are read once for all of a batch, and a variant begins at the first block that it changes, from the original's
/// hidden states there.
/// </summary>
/// <param name="load">The layer that a choice made of a layer.</param>
internal sealed class VariantProbe(Checkpoint checkpoint, ModelSpec spec, IReadOnlyList<int[]> sequences, Func<int, int, Linear> load)
{
    private const long MostStateBytes = 512L << 20;

    private readonly ForwardBuffers[] _lanes =
        [.. Enumerable.Range(0, Math.Min(Threads.Count, sequences.Count)).Select(_ => new ForwardBuffers(spec))];

    private readonly int[] _ids = [.. sequences.SelectMany(s => s)];
    private readonly int _perBlock = spec.Projections(0).Count;
    private Embedding? _embedding;
    private Head? _head;
    private Matrix<float>[]? _dense;

    private sealed class Running(int index, Variant variant, int first)
    {
        public int Index => index;
        public Variant Variant => variant;
        public int First => first;
        public Matrix<float>[]? States { get; set; }
    }

    private int Length => sequences[0].Length;

    /// <summary>Hands out each variant's divergence when it is known, a batch of variants at a time, in no promised order.</summary>
    public void Measure(IReadOnlyList<Variant> variants, Action<int, DivergenceResult> found, CancellationToken token = default)
    {
        _embedding ??= Model.LoadEmbedding(checkpoint, spec);
        _head ??= Model.LoadHead(checkpoint, spec, _embedding);
        var waiting = new Queue<Running>(variants.Select((v, i) => new Running(i, v, v.Choices.Keys.Min() / _perBlock))
            .OrderBy(r => r.First));
        long bytes = 4L * _ids.Length * spec.HiddenSize;
        int most = (int)Math.Clamp(MostStateBytes / bytes, 1, 1000);

        // The original's states, which follow the batches through the blocks, and in the end give the reference.
        var (states, at) = (Embed(), 0);
        if (_dense is null)
        {
            _dense = Copy(states);
            for (int i = 0; i < spec.BlockCount; i++)
            {
                token.ThrowIfCancellationRequested();
                Run(Block(i), _dense);
            }
            Finish(_dense);
        }
        while (waiting.Count > 0)
        {
            var batch = new List<Running>();
            while (batch.Count < most && waiting.TryDequeue(out var next)) batch.Add(next);
            for (int i = at; i < spec.BlockCount; i++)
            {
                token.ThrowIfCancellationRequested();
                var block = Block(i);
                foreach (var running in batch.Where(r => r.First <= i))
                {
                    running.States ??= Copy(states);
                    RunChanged(block, running);
                }
                if (i < batch[^1].First)
                {
                    Run(block, states);
                    at = i + 1;
                }
            }
            foreach (var running in batch)
            {
                token.ThrowIfCancellationRequested();
                Finish(running.States!);
                found(running.Index, Divergence.OfSegments(
                    new Predictor(_head, s => _dense[s]), new Predictor(_head, s => running.States![s]), _ids, Length));
                running.States = null;
            }
        }
    }

    private Block Block(int index) => Model.LoadBlockInFloats(checkpoint, spec, index, _lanes[0]);

    private void RunChanged(Block block, Running running)
    {
        var original = block.Projections.Select(p => p.Weight).ToArray();
        for (int p = 0; p < _perBlock; p++)
            if (running.Variant.Choices.TryGetValue(block.Index * _perBlock + p, out int choice))
                block.Projections[p].Weight = new DenseLinear(load(block.Index * _perBlock + p, choice).ToDense());
        Run(block, running.States!);
        for (int p = 0; p < _perBlock; p++) block.Projections[p].Weight = original[p];
    }

    private void Run(Block block, Matrix<float>[] states)
    {
        for (int first = 0; first < states.Length; first += _lanes.Length)
        {
            int start = first;
            Threads.For(Math.Min(_lanes.Length, states.Length - first),
                lane => block.Forward(states[start + lane], null, _lanes[lane]));
        }
    }

    private void Finish(Matrix<float>[] states)
    {
        for (int i = 0; i < states.Length; i++) states[i] = _head!.Finish(states[i]);
    }

    private Matrix<float>[] Embed() => [.. sequences.Select(s => _embedding!.Apply(s))];

    private static Matrix<float>[] Copy(Matrix<float>[] states) => [.. states.Select(s => s.Clone())];
}
