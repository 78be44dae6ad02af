using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Quarank.Checkpoints;

/// <summary>
/// Where everything goes in a safetensors file that is to be written: tensors by falling element size, then by name, so that each is
/// aligned to its elements; the header is padded with spaces to a multiple of 8. The same tensors always give the same bytes.
/// </summary>
internal sealed class SafetensorsLayout
{
    private const int Chunk = 1 << 20;

    private readonly byte[] _header;
    private readonly StoredTensor[] _tensors;

    /// <exception cref="ArgumentException">Two tensors have one name, or one has the name that the format keeps for itself.</exception>
    public SafetensorsLayout(IEnumerable<StoredTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        _tensors = [.. tensors.OrderByDescending(t => t.Type.Size()).ThenBy(t => t.Name, StringComparer.Ordinal)];
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        foreach (var t in _tensors)
            if (!names.Add(t.Name)) throw new ArgumentException($"The name {Quoted.Name(t.Name)} is taken; tensors need names of their own.", nameof(tensors));

        _header = Header(metadata);
        if (_header.Length > Safetensors.MaxHeaderLength)
            throw new ArgumentException($"{_tensors.Length} tensors make a header of {_header.Length} bytes; {Safetensors.MaxHeaderLength} are allowed.");
        Length = 8 + _header.Length + _tensors.Sum(t => t.ByteLength);
    }

    /// <summary>The length of the file.</summary>
    public long Length { get; }

    /// <summary>Writes the file, one chunk of one tensor in memory at a time.</summary>
    public void WriteTo(Stream stream, CancellationToken cancel)
    {
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, _header.Length);
        stream.Write(prefix);
        stream.Write(_header);

        byte[] chunk = ArrayPool<byte>.Shared.Rent(Chunk);
        foreach (var t in _tensors)
            for (long offset = 0; offset < t.ByteLength; offset += Chunk)
            {
                cancel.ThrowIfCancellationRequested();
                var bytes = chunk.AsSpan(0, (int)Math.Min(Chunk, t.ByteLength - offset));
                t.ReadBytes(offset, bytes);
                stream.Write(bytes);
            }
        ArrayPool<byte>.Shared.Return(chunk);
    }

    private byte[] Header(IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long begin = 0;
            foreach (var t in _tensors)
            {
                json.WriteStartObject(t.Name);
                json.WriteString("dtype", t.Type.SafetensorsName());
                WriteNumbers(json, "shape", t.Shape);
                WriteNumbers(json, "data_offsets", [begin, begin + t.ByteLength]);
                json.WriteEndObject();
                begin += t.ByteLength;
            }
            json.WriteEndObject();
        }
        var padding = buffer.GetSpan(8);
        padding[..8].Fill((byte)' ');
        buffer.Advance((8 - buffer.WrittenCount % 8) % 8);
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyList<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long n in numbers) json.WriteNumberValue(n);
        json.WriteEndArray();
    }
}
