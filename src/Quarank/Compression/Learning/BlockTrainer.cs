using System.Diagnostics;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>Learns the layers of a block, all in every step.</summary>
internal static class BlockTrainer
{
    /// <param name="layers">One for each layer of the problem.</param>
    /// <param name="methods">What they are layers of; the first one's settings count for all.</param>
    /// <param name="seed">Of the order of sequences.</param>
    /// <param name="progress">Told of every step: how many are done, and the error of its batch.</param>
    public static LearnedBlock Train(
        BlockProblem problem, IReadOnlyList<LearnedLayer> layers, IReadOnlyList<BlockMethod> methods, int seed, Action<int, double>? progress = null, CancellationToken token = default)
    {
        var settings = methods[0].Learning;
        Decode(problem, layers);
        var first = layers.Select(l => l.ToLinear()).ToArray();
        var (before, heldBefore) = (problem.ErrorOf(false), problem.ErrorOf(true));
        var random = new SeededRandom((ulong)seed);
        int size = Math.Min(settings.Batch, problem.Samples);
        var order = new List<int>();
        long start = Stopwatch.GetTimestamp();
        for (int step = 1; step <= settings.Steps; step++)
        {
            token.ThrowIfCancellationRequested();
            // Every sequence once, in a new order, before any comes again.
            while (order.Count < size) order.AddRange(random.Permutation(problem.Samples));
            double error = problem.Learn(order[..size].ToArray());
            order.RemoveRange(0, size);
            if (!double.IsFinite(error)) throw new InvalidOperationException(
                $"{problem.Layers[0].Name}: the error of the block is not finite at step {step} of learning; lower the learning rate.");
            for (int l = 0; l < layers.Count; l++)
                layers[l].Move(problem.Gradients[l], AdamStep.Cosine(step, settings.Steps, settings.Rate ?? methods[l].DefaultRate));
            Decode(problem, layers);
            progress?.Invoke(step, error);
        }
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var (after, heldAfter) = (problem.ErrorOf(false), problem.ErrorOf(true));
        // Not what the steps were good for, but what they were good for elsewhere decides, where there is an elsewhere.
        bool kept = double.IsNaN(heldAfter) ? after <= before : heldAfter <= heldBefore;
        var linear = kept ? layers.Select(l => l.ToLinear()).ToArray() : first;
        long numbers = methods.Select((m, l) => m.LearnedNumbers(problem.Layers[l].Rows, problem.Layers[l].Columns)).Sum();
        return new(linear, new(settings.Steps, problem.Samples, problem.HeldOut, numbers, before, after, Known(heldBefore), Known(heldAfter), kept), seconds);
    }

    /// <summary>Takes some steps of no size, to see how long they last; the layers are spent.</summary>
    /// <returns>Seconds.</returns>
    public static double Try(BlockProblem problem, IReadOnlyList<LearnedLayer> layers, IReadOnlyList<BlockMethod> methods, int steps)
    {
        int[] batch = [.. Enumerable.Range(0, Math.Min(methods[0].Learning.Batch, problem.Samples))];
        Decode(problem, layers);
        long start = Stopwatch.GetTimestamp();
        for (int step = 1; step <= steps; step++)
        {
            problem.Learn(batch);
            for (int l = 0; l < layers.Count; l++) layers[l].Move(problem.Gradients[l], new(step, 0));
            Decode(problem, layers);
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Decode(BlockProblem problem, IReadOnlyList<LearnedLayer> layers)
    {
        for (int l = 0; l < layers.Count; l++) layers[l].Decode(problem.Weights[l]);
    }

    private static double? Known(double error) => double.IsNaN(error) ? null : error;
}

/// <summary>What learning a block came to. Errors are Σ ‖ŷ − y‖² / Σ ‖y‖² of what leaves the block.</summary>
/// <param name="Samples">Sequences that were learned from.</param>
/// <param name="HeldOut">Sequences that were not.</param>
/// <param name="Numbers">How many were learned.</param>
/// <param name="Before">On the sequences that were learned from, with the layers rounded to nearest.</param>
/// <param name="After">On the same, at the end.</param>
/// <param name="HeldOutBefore">On those held out; null where there are none.</param>
/// <param name="HeldOutAfter">Likewise, at the end.</param>
/// <param name="Kept">False: the end was worse than the beginning (on what was held out, if anything), and the beginning is stored.</param>
public sealed record LearningReport(
    int Steps, int Samples, int HeldOut, long Numbers, double Before, double After, double? HeldOutBefore, double? HeldOutAfter, bool Kept);

/// <summary>The layers of a block as they were learned, and how it went.</summary>
/// <param name="Seconds">Of the steps alone.</param>
internal sealed record LearnedBlock(IReadOnlyList<Linear> Layers, LearningReport Report, double Seconds);
