using System.Buffers.Binary;
using System.Text;

namespace Quarank.Tokenizers;

/// <summary>
/// Walks the fields of one protocol buffers message; what does not fit its bytes is an <see cref="InvalidDataException"/>.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string name)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private readonly int _length = message.Length;
    private ReadOnlySpan<byte> _rest = message;
    private ReadOnlySpan<byte> _bytes;
    private ulong _number;
    private WireType _type;

    private enum WireType
    {
        Variable = 0,
        Fixed64 = 1,
        Bytes = 2,
        Fixed32 = 5,
    }

    /// <summary>The number of the field read last.</summary>
    public int Field { get; private set; }

    public readonly bool Flag => Integer != 0;

    public readonly long Integer => _type == WireType.Variable ? (long)_number : throw Bad("a whole number");

    public readonly float Single =>
        _type == WireType.Fixed32 ? BitConverter.UInt32BitsToSingle((uint)_number) : throw Bad("a float");

    public readonly ReadOnlySpan<byte> Bytes => _type == WireType.Bytes ? _bytes : throw Bad("bytes");

    public readonly string Text
    {
        get
        {
            try { return Strict.GetString(Bytes); }
            catch (DecoderFallbackException) { throw Bad("UTF-8 text"); }
        }
    }

    /// <summary>Reads the next field; false at the end of the message.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        ulong key = Variable();
        if (key >> 3 is 0 or > int.MaxValue) throw Bad("a field number");
        (Field, _type) = ((int)(key >> 3), (WireType)(key & 7));
        switch (_type)
        {
            case WireType.Variable:
                _number = Variable();
                break;
            case WireType.Fixed64:
                _number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case WireType.Bytes:
                ulong length = Variable();
                _bytes = length <= (ulong)_rest.Length ? Take((int)length) : throw Bad($"{length} bytes");
                break;
            case WireType.Fixed32:
                _number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw Bad("wire type 0, 1, 2 or 5");
        }
        return true;
    }

    private readonly InvalidDataException Bad(string expected) =>
        new($"{name}: expected {expected} for field {Field} before byte {_length - _rest.Length} of a message of {_length} bytes; "
            + "the file is cut off or damaged.");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length) throw Bad($"{count} bytes");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private ulong Variable()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte b = Take(1)[0];
            value |= (ulong)(b & 127) << shift;
            if (b < 128) return value;
        }
        throw Bad("a whole number of at most ten bytes");
    }
}
