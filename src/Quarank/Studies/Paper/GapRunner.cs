using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;

namespace Quarank.Studies.Paper;

/// <summary>
/// Learns single blocks from few and from many sequences, and measures each on those and on others. A block reads what the original blocks before it
/// give. A point is kept under all that decides its figures, so that the same command goes on where it was stopped.
/// </summary>
internal sealed class GapRunner(Survey survey, GapRequest request, string cacheFolder, IReadOnlyList<int[]>? unseen, IProgress<StudyProgress>? progress, CancellationToken token)
{
    private readonly ModelSpec _spec = survey.Spec;
    private readonly List<GapPoint> _points = [];

    private int Total => request.Blocks.Count * Kinds().Count();

    public IReadOnlyList<GapPoint> Run()
    {
        // Unseen are the sequences of another text, or the calibration's last ones.
        var all = survey.Calibration.Sequences;
        int given = unseen is null ? all.Count - request.Unseen : all.Count;
        request.Check(_spec.BlockCount, given);
        int[][] sequences = [.. all.Take(request.Samples[^1]), .. unseen?.Take(request.Unseen) ?? all.Skip(given)];
        Matrix<float>[]? states = null;
        int at = 0;
        foreach (int index in request.Blocks.Distinct().Order())
        {
            var missing = Kinds().Where(k => Kept(index, k) is null).ToList();
            if (missing.Count > 0)
            {
                if (states is null)
                {
                    var embedding = Model.LoadEmbedding(survey.Checkpoint, _spec);
                    states = [.. sequences.Select(s => embedding.Apply(s))];
                }
                for (; at < index; at++) Forward(Load(at), states, $"running block {at}");
                Learn(index, states);
            }
            else foreach (var kind in Kinds()) Add(Kept(index, kind)!);
        }
        return _points;
    }

    // FlexRound and LRQ at every number of sequences, LRQ's ranks at one.
    private IEnumerable<(string Method, int? Rank, int Samples)> Kinds() =>
    [
        .. request.Samples.SelectMany(n => new (string, int?, int)[] { ("flexround", null, n), ("lrq", null, n) }),
        .. request.Ranks.Select(r => ("lrq", (int?)r, request.RankSamples)),
    ];

    private void Learn(int index, Matrix<float>[] inputs)
    {
        Matrix<float>[] targets = [.. inputs.Select(h => h.Clone())];
        Forward(Load(index), targets, $"running block {index}");
        foreach (var kind in Kinds())
        {
            token.ThrowIfCancellationRequested();
            Add(Kept(index, kind) ?? Point(index, kind, inputs, targets));
        }
    }

    private GapPoint Point(int index, (string Method, int? Rank, int Samples) kind, Matrix<float>[] inputs, Matrix<float>[] targets)
    {
        var method = Method(kind.Method, kind.Rank);
        var block = Load(index);
        // Rounding to the nearest is fitted to the weights alone: nothing of the inputs is asked for.
        LayerProblem[] layers = [.. block.Projections.Select(p => new LayerProblem(p.Name, p.Weight.ToDense(), new(0, new(0, 0)), LayerCompressor.SeedOf(p.Name, 0)))];
        HiddenStates Chosen(Matrix<float>[] of) => new([.. of.Take(kind.Samples), .. of.TakeLast(request.Unseen)]);
        var problem = new SequenceProblem(_spec, block, [.. Enumerable.Range(0, layers.Length)], layers, Chosen(inputs), Chosen(targets), method.Learning);
        var task = LearningTask.Of(layers, [.. layers.Select(method.Begin)], [.. layers.Select(_ => method)], LayerCompressor.SeedOf($"block {index}", 0));
        var learned = BlockTrainer.Train(problem, task, null,
            (step, error) => Tell(FormattableString.Invariant($"block {index}, {Word(kind)}, step {step} of {method.Learning.Steps}, error {error:0.00000}"), step / (double)method.Learning.Steps), token);
        var r = learned.Report;
        var point = new GapPoint(index, kind.Method, kind.Rank, kind.Samples, r.Steps, r.Numbers, r.Before, r.After, r.HeldOutBefore!.Value, r.HeldOutAfter!.Value, learned.Seconds);
        AtomicFile.WriteText(FileOf(index, kind), JsonSerializer.Serialize(point, RunJson.Options));
        return point;
    }

    private BlockMethod Method(string name, int? rank)
    {
        var grid = new GridFormat(request.Bits, 0);
        BlockMethod method = name == "flexround" ? new FlexRound(grid) : new Lrq(grid, rank);
        return method with { Learning = request.Learning with { HeldOut = request.Unseen } };
    }

    private void Forward(Block block, Matrix<float>[] states, string words)
    {
        for (int s = 0; s < states.Length; s++)
        {
            token.ThrowIfCancellationRequested();
            block.Forward(states[s]);
            if (s % 8 == 0) Tell(words, 0);
        }
    }

    private Block Load(int index) => Model.LoadBlockInFloats(survey.Checkpoint, _spec, index, new ForwardBuffers(_spec));

    private void Add(GapPoint point) => _points.Add(point);

    private void Tell(string words, double part) => progress?.Report(new((_points.Count + part) / Total, words));

    private static string Word((string Method, int? Rank, int Samples) kind) => $"{kind.Method}{(kind.Rank is { } r ? $" of rank {r}" : "")} from {kind.Samples} sequences";

    private GapPoint? Kept(int index, (string Method, int? Rank, int Samples) kind)
    {
        string file = FileOf(index, kind);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<GapPoint>(File.ReadAllText(file), RunJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;   // damaged: done again
        }
    }

    private string FileOf(int index, (string Method, int? Rank, int Samples) kind)
    {
        string key = JsonSerializer.Serialize(new
        {
            RunFingerprint.ThisProgram,
            Model = survey.ModelHash,
            Calibration = survey.Calibration.Hash,
            Unseen = unseen is null ? "" : Convert.ToHexStringLower(SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(unseen.Take(request.Unseen).SelectMany(s => s).ToArray().AsSpan()))),
            Method = (Method)Method(kind.Method, kind.Rank),
            kind.Samples,
            index,
        }, RunJson.Options);
        return Path.Combine(cacheFolder, $"gap-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..16]}.json");
    }
}
