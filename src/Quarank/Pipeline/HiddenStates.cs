using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// The hidden states (tokens × hidden size) of all calibration sequences between two blocks, in memory or in a file of their own. They can be
/// stored for a run that goes on: that only saves time, for they can be computed again from the embeddings, with the same result.
/// </summary>
internal sealed class HiddenStates : IDisposable
{
    private const ulong Magic = 0x3154534E4444_4948;   // "HIDDNST1" read as a little-endian number

    private readonly Matrix<float>[]? _memory;
    private readonly FileStream? _file;
    private readonly ConcurrentBag<Matrix<float>> _idle = [];
    private readonly (int Tokens, int Width) _size;

    /// <summary>All of one size, which stay where they are.</summary>
    public HiddenStates(Matrix<float>[] states) => (_memory, Count, _size) = (states, states.Length, (states[0].Rows, states[0].Columns));

    private HiddenStates(string file, int count, int tokens, int width)
    {
        _file = new FileStream(file, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        (Count, _size) = (count, (tokens, width));
    }

    public int Count { get; }

    private int Bytes => checked(4 * _size.Tokens * _size.Width);

    /// <param name="file">Where they are kept between uses; null keeps them in memory.</param>
    public static HiddenStates Embed(Embedding embedding, CalibrationSet calibration, string? file = null)
    {
        if (file is null) return new([.. calibration.Sequences.Select(s => embedding.Apply(s))]);
        HiddenStates? states = null;
        for (int i = 0; i < calibration.Sequences.Count; i++)
        {
            var embedded = embedding.Apply(calibration.Sequences[i]);
            states ??= new(file, calibration.Sequences.Count, embedded.Rows, embedded.Columns);
            states.Write(i, embedded);
        }
        return states!;
    }

    /// <summary>Works on the states of a sequence; several may be at work at once.</summary>
    /// <param name="change">Whether what <paramref name="work"/> leaves in them is kept.</param>
    public void Use(int i, bool change, Action<Matrix<float>> work)
    {
        if (_memory is not null)
        {
            work(_memory[i]);
            return;
        }
        if (!_idle.TryTake(out var states)) states = new(_size.Tokens, _size.Width);
        Read(i, states);
        work(states);
        if (change) Write(i, states);
        _idle.Add(states);
    }

    /// <summary>Stores the states that enter <paramref name="block"/>.</summary>
    public void Save(string path, int block) => AtomicFile.Write(path, stream =>
    {
        stream.Write(Header(block, Count, _size.Tokens, _size.Width));
        for (int i = 0; i < Count; i++) Use(i, false, h => stream.Write(MemoryMarshal.AsBytes(h.Data)));
    });

    /// <summary>
    /// The stored states and the block they enter; null when there is no whole file of this many sequences of this size.
    /// </summary>
    /// <param name="file">As in <see cref="Embed"/>.</param>
    public static (int Block, HiddenStates Hidden)? TryLoad(string path, int samples, int tokens, int width, string? file = null)
    {
        if (!File.Exists(path)) return null;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        Span<byte> header = stackalloc byte[24];
        if (stream.Length != header.Length + 4L * samples * tokens * width) return null;
        stream.ReadExactly(header);
        int block = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        if (!header.SequenceEqual(Header(block, samples, tokens, width))) return null;
        var (kept, hidden) = (file is null ? null : new HiddenStates(file, samples, tokens, width), new Matrix<float>[file is null ? samples : 1]);
        for (int i = 0; i < samples; i++)
        {
            var states = kept is null || i == 0 ? new Matrix<float>(tokens, width) : hidden[0];
            stream.ReadExactly(MemoryMarshal.AsBytes(states.Data));
            hidden[kept is null ? i : 0] = states;
            kept?.Write(i, states);
        }
        return (block, kept ?? new(hidden));
    }

    public void Dispose() => _file?.Dispose();

    private void Write(int i, Matrix<float> states) =>
        RandomAccess.Write(_file!.SafeFileHandle, MemoryMarshal.AsBytes(states.Data), (long)i * Bytes);

    private void Read(int i, Matrix<float> states)
    {
        var bytes = MemoryMarshal.AsBytes(states.Data);
        long offset = (long)i * Bytes;
        while (bytes.Length > 0)
        {
            int count = RandomAccess.Read(_file!.SafeFileHandle, bytes, offset);
            if (count == 0) throw new EndOfStreamException($"{_file.Name}: the hidden states that were kept here are gone.");
            bytes = bytes[count..];
            offset += count;
        }
    }

    private static byte[] Header(int block, int samples, int tokens, int width)
    {
        var header = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        int[] numbers = [block, samples, tokens, width];
        for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8 + 4 * i), numbers[i]);
        return header;
    }
}
