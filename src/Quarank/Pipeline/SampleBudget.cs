using System.Diagnostics;
using System.Globalization;
using Quarank.Checkpoints;
using Quarank.Models;

namespace Quarank.Pipeline;

/// <summary>
/// From how many sequences to learn within a time: as many as can each be learned from some four times, by the measured speed of the first block, and no more than the
/// recipe has. Sequences that no step comes to would cost their passes and give nothing.
/// </summary>
internal static class SampleBudget
{
    private const int Least = 16, Visits = 4;

    // In passes of a sequence through a block: inputs observed with their sums, targets, errors before and after, the block as stored; and a visit's forward and backward.
    private const double Beside = 6, Visit = 4, Reserve = 0.05;

    /// <summary>The number for this run; one that an earlier attempt has chosen stays.</summary>
    /// <param name="file">Where it is kept until the run has ended.</param>
    public static int Of(Checkpoint checkpoint, ModelSpec spec, CalibrationSet calibration, TimeSpan time, string file)
    {
        int most = calibration.Sequences.Count;
        if (File.Exists(file) && int.TryParse(File.ReadAllText(file), NumberStyles.None, CultureInfo.InvariantCulture, out int kept) && kept > 0) return Math.Min(kept, most);
        int chosen = Choose(time.TotalSeconds, spec.BlockCount, Pass(checkpoint, spec, calibration.Sequences[0]), most);
        AtomicFile.WriteText(file, chosen.ToString(CultureInfo.InvariantCulture));
        return chosen;
    }

    /// <param name="seconds">For the whole run.</param>
    /// <param name="pass">Seconds of a sequence in a block.</param>
    /// <param name="most">How many there are.</param>
    internal static int Choose(double seconds, int blocks, double pass, int most) =>
        (int)Math.Clamp((1 - Reserve) * seconds / blocks / (pass * (Beside + Visits * Visit)), Math.Min(Least, most), most);

    // The second of two passes: the first one makes room.
    private static double Pass(Checkpoint checkpoint, ModelSpec spec, int[] sequence)
    {
        var block = Model.LoadBlockInFloats(checkpoint, spec, 0, new ForwardBuffers(spec));
        var states = Model.LoadEmbedding(checkpoint, spec).Apply(sequence);
        block.Forward(states.Clone());
        long start = Stopwatch.GetTimestamp();
        block.Forward(states);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
