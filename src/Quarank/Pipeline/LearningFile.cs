using System.Runtime.InteropServices;
using System.Text;
using Quarank.Compression.Learning;

namespace Quarank.Pipeline;

/// <summary>The numbers of the block at work, in a file of the run folder that is there whole or not at all.</summary>
/// <param name="run">What the run is: the hash of its fingerprint.</param>
/// <param name="block">The block at work.</param>
/// <param name="part">Which of the block's rounds of learning.</param>
internal sealed class LearningFile(string path, string run, int block, int part, TimeSpan every) : LearningStore(every)
{
    private const string Magic = "quarank learning 1";

    /// <summary>How many steps the kept round has; null where none of this run, block and round is kept.</summary>
    public int? Steps
    {
        get
        {
            if (!File.Exists(path)) return null;
            using var reader = new BinaryReader(File.OpenRead(path), Encoding.UTF8);
            return Begins(reader) is (_, var steps) ? steps : null;
        }
    }

    protected override int Read(IReadOnlyList<float[]> state, int steps)
    {
        if (!File.Exists(path)) return 0;
        using var reader = new BinaryReader(File.OpenRead(path), Encoding.UTF8);
        if (Begins(reader) is not (var step, var all) || all != steps) return 0;
        if (reader.BaseStream.Length - reader.BaseStream.Position != state.Sum(s => 4L * s.Length)) return 0;
        foreach (float[] numbers in state) reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return step;
    }

    protected override void Write(IReadOnlyList<float[]> state, int step, int steps) => AtomicFile.Write(path, stream =>
    {
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(run);
            foreach (int number in (int[])[block, part, step, steps]) writer.Write(number);
        }
        foreach (float[] numbers in state) stream.Write(MemoryMarshal.AsBytes(numbers.AsSpan()));
    });

    private (int Step, int Steps)? Begins(BinaryReader reader)
    {
        try
        {
            if (reader.ReadString() != Magic || reader.ReadString() != run || reader.ReadInt32() != block || reader.ReadInt32() != part) return null;
            return (reader.ReadInt32(), reader.ReadInt32());
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException)
        {
            return null;     // not ours: what it stood for is done again
        }
    }
}
