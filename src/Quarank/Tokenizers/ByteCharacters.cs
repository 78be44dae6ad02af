namespace Quarank.Tokenizers;

/// <summary>
/// GPT-2's spelling of bytes as printable characters (Radford et al. 2019): printable Latin-1 stands for itself, the other 68
/// bytes for U+0100, U+0101, … in their order.
/// </summary>
internal static class ByteCharacters
{
    private static readonly char[] CharacterOf = new char[256];
    private static readonly Dictionary<char, byte> ByteOf = [];

    static ByteCharacters()
    {
        int next = 0x100;
        for (int b = 0; b < 256; b++)
        {
            bool itself = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            CharacterOf[b] = itself ? (char)b : (char)next++;
            ByteOf[CharacterOf[b]] = (byte)b;
        }
    }

    public static char Of(byte b) => CharacterOf[b];

    /// <summary>The bytes that a piece spells; false when one of its characters stands for no byte.</summary>
    public static bool TryBytes(string piece, List<byte> bytes)
    {
        int start = bytes.Count;
        foreach (char c in piece)
        {
            if (!ByteOf.TryGetValue(c, out byte b))
            {
                bytes.RemoveRange(start, bytes.Count - start);
                return false;
            }
            bytes.Add(b);
        }
        return true;
    }
}
