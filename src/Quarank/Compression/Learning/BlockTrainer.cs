using System.Diagnostics;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>What is learned of a block, and how.</summary>
/// <param name="Parts">One for each matrix of the problem.</param>
/// <param name="Rates">Of the first step, one for each part.</param>
/// <param name="Count">How many numbers are learned.</param>
/// <param name="Seed">Of the order of sequences.</param>
internal sealed record LearningTask(
    IReadOnlyList<LearnedPart> Parts, IReadOnlyList<double> Rates, LearningSettings Settings, long Count, int Seed)
{
    /// <summary>Layers of methods; the first one's settings count for all.</summary>
    /// <param name="problems">What they are layers of.</param>
    public static LearningTask Of(IReadOnlyList<LayerProblem> problems, IReadOnlyList<LearnedLayer> layers, IReadOnlyList<BlockMethod> methods, int seed) => new(
        layers, [.. methods.Select(m => m.Learning.Rate ?? m.DefaultRate)], methods[0].Learning,
        methods.Select((m, l) => m.LearnedNumbers(problems[l].Rows, problems[l].Columns)).Sum(), seed);
}

/// <summary>Learns the parts of a block, all in every step.</summary>
internal static class BlockTrainer
{
    /// <param name="store">Keeps what a run that is stopped goes on with; null for nobody.</param>
    /// <param name="progress">Told of every step: how many are done, and the error of its batch.</param>
    public static LearnedBlock Train(
        BlockProblem problem, LearningTask task, LearningStore? store = null, Action<int, double>? progress = null, CancellationToken token = default)
    {
        var (parts, settings) = (task.Parts, task.Settings);
        LearnedNumbers[] numbers = [.. parts.SelectMany(p => p.Numbers)];
        float[][] first = [.. numbers.Select(n => (float[])n.Values.Clone())];
        foreach (var (part, weight) in parts.Zip(problem.Weights)) part.DecodeStored(weight);
        var (before, heldBefore) = (problem.ErrorOf(false), problem.ErrorOf(true));
        int done = store?.Load(numbers, settings.Steps) ?? 0;
        Decode(problem, parts);
        var order = new BatchOrder(problem.Samples, settings.Batch, task.Seed);
        for (int step = 1; step <= done; step++) order.Next();
        long start = Stopwatch.GetTimestamp();
        for (int step = done + 1; step <= settings.Steps; step++)
        {
            token.ThrowIfCancellationRequested();
            double error = problem.Learn(order.Next());
            if (!double.IsFinite(error)) throw new InvalidOperationException(
                $"{problem.Layers[0].Name}: the error of the block is not finite at step {step} of learning; lower the learning rate.");
            for (int p = 0; p < parts.Count; p++) parts[p].Move(problem.Gradients[p], AdamStep.Cosine(step, settings.Steps, task.Rates[p]));
            Decode(problem, parts);
            progress?.Invoke(step, error);
            store?.Save(numbers, step, settings.Steps);
        }
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        foreach (var (part, weight) in parts.Zip(problem.Weights)) part.DecodeStored(weight);
        var (after, heldAfter) = (problem.ErrorOf(false), problem.ErrorOf(true));
        // Not what the steps were good for, but what they were good for elsewhere decides, where there is an elsewhere.
        bool kept = after <= before && (double.IsNaN(heldAfter) || heldAfter <= heldBefore);
        if (!kept)
            for (int n = 0; n < numbers.Length; n++) first[n].CopyTo(numbers[n].Values, 0);
        return new([.. parts.OfType<LearnedLayer>().Select(l => l.ToLinear())],
            new(settings.Steps, problem.Samples, problem.HeldOut, task.Count, before, after, Known(heldBefore), Known(heldAfter), kept), seconds, settings.Steps - done);
    }

    /// <summary>Takes some steps of no size, to see how long they last; the parts are spent.</summary>
    /// <returns>Seconds.</returns>
    public static double Try(BlockProblem problem, LearningTask task, int steps)
    {
        int[] batch = [.. Enumerable.Range(0, Math.Min(task.Settings.Batch, problem.Samples))];
        Decode(problem, task.Parts);
        long start = Stopwatch.GetTimestamp();
        for (int step = 1; step <= steps; step++)
        {
            problem.Learn(batch);
            for (int p = 0; p < task.Parts.Count; p++) task.Parts[p].Move(problem.Gradients[p], new(step, 0));
            Decode(problem, task.Parts);
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Decode(BlockProblem problem, IReadOnlyList<LearnedPart> parts)
    {
        for (int p = 0; p < parts.Count; p++) parts[p].Decode(problem.Weights[p]);
    }

    private static double? Known(double error) => double.IsNaN(error) ? null : error;
}

/// <summary>Which sequences make up each step: every one once, in a new order, before any comes again.</summary>
internal sealed class BatchOrder(int samples, int batch, int seed)
{
    private readonly SeededRandom _random = new((ulong)seed);
    private readonly List<int> _order = [];
    private readonly int _size = Math.Min(batch, samples);

    public int[] Next()
    {
        while (_order.Count < _size) _order.AddRange(_random.Permutation(samples));
        int[] next = [.. _order[.._size]];
        _order.RemoveRange(0, _size);
        return next;
    }
}

/// <summary>What learning a block came to. Errors are Σ ‖ŷ − y‖² / Σ ‖y‖² of what leaves the block.</summary>
/// <param name="Samples">Sequences that were learned from.</param>
/// <param name="HeldOut">Sequences that were not.</param>
/// <param name="Numbers">How many were learned.</param>
/// <param name="Before">On the sequences that were learned from, with the layers as they were before.</param>
/// <param name="After">On the same, at the end.</param>
/// <param name="HeldOutBefore">On those held out; null where there are none.</param>
/// <param name="HeldOutAfter">Likewise, at the end.</param>
/// <param name="Kept">False: the end was worse than the beginning, on what was learned from or on what was held out, and the beginning is stored.</param>
public sealed record LearningReport(
    int Steps, int Samples, int HeldOut, long Numbers, double Before, double After, double? HeldOutBefore, double? HeldOutAfter, bool Kept);

/// <summary>The layers of a block as they were learned, and how it went.</summary>
/// <param name="Seconds">Of the steps alone.</param>
/// <param name="Taken">Steps that were taken in these seconds: all, or those that were left.</param>
internal sealed record LearnedBlock(IReadOnlyList<Linear> Layers, LearningReport Report, double Seconds, int Taken);
