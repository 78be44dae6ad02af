using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Quarank.Checkpoints;

/// <summary>
/// One open safetensors file: 8 bytes of header length, a JSON header, the tensors' bytes. Only the header is read at first; a file that
/// breaks a rule of the format is refused with its name, the tensor, what was expected and what was found.
/// </summary>
public sealed class Safetensors : IDisposable
{
    /// <summary>The longest header that readers of this format accept.</summary>
    public const long MaxHeaderLength = 100_000_000;

    private readonly SafeFileHandle _file;

    private Safetensors(SafeFileHandle file, string path)
    {
        (_file, Path, FileBytes) = (file, path, RandomAccess.GetLength(file));
        var header = ReadHeader(out long start);
        Metadata = header.Metadata;
        Tensors = [.. header.Entries.Select(e => new FileTensor(file, path, start + e.Begin, e.End - e.Begin, e.Name, e.Type, e.Shape))];
    }

    public string Path { get; }

    /// <summary>The length of the file.</summary>
    public long FileBytes { get; }

    /// <summary>In the order of their bytes. They can be read until the file is disposed.</summary>
    public IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>The header's <c>__metadata__</c>; empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <exception cref="InvalidDataException">A rule of the format is broken.</exception>
    /// <exception cref="NotSupportedException">A tensor's type exists elsewhere but not here.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static Safetensors Open(string path)
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("Checkpoints are little-endian; so must the processor be.");
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        try
        {
            return new Safetensors(file, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    private SafetensorsHeader ReadHeader(out long start)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (FileBytes < prefix.Length || !TryRead(prefix, 0))
            throw new InvalidDataException($"{Path}: the file has {FileBytes} bytes; a safetensors file begins with 8 bytes of header length.");

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderLength)
            throw new InvalidDataException(
                $"{Path}: the header claims {length} bytes, at most {MaxHeaderLength} are allowed; this is not a safetensors file.");
        if ((long)length > FileBytes - prefix.Length)
            throw new InvalidDataException(
                $"{Path}: the header claims {length} bytes, the file has {FileBytes - prefix.Length} after its first 8; it was cut short.");

        start = prefix.Length + (long)length;
        var json = new byte[length];
        if (!TryRead(json, prefix.Length)) throw new InvalidDataException($"{Path}: the header of {length} bytes could not be read to its end.");
        return SafetensorsHeader.Parse(Path, json, FileBytes - start);
    }

    private bool TryRead(Span<byte> bytes, long offset)
    {
        for (int done = 0; done < bytes.Length;)
        {
            int read = RandomAccess.Read(_file, bytes[done..], offset + done);
            if (read == 0) return false;
            done += read;
        }
        return true;
    }
}
