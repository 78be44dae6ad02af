using System.Globalization;

namespace Quarank.Tokenizers;

/// <summary>Canonical decompositions, compositions and combining classes, read from canonical-forms.txt.</summary>
internal sealed class CanonicalForms
{
    private readonly Dictionary<int, byte> _class = [];
    private readonly Dictionary<int, int[]> _decomposition = [];
    private readonly Dictionary<(int First, int Second), int> _composition = [];
    private readonly HashSet<int> _changeable = [];
    private readonly bool[] _changeableBasic = new bool[char.MaxValue + 1];

    private CanonicalForms(TextReader lines)
    {
        while (lines.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            if (line.StartsWith("class ", StringComparison.Ordinal)) ReadClass(line["class ".Length..]);
            else foreach (string entry in line.Split(' ')) ReadDecomposition(entry);
        }
        for (int jamo = Hangul.Vowel; jamo < Hangul.Trail + Hangul.Trails; jamo++) _changeable.Add(jamo);
        foreach (int c in _changeable)
            if (c <= char.MaxValue) _changeableBasic[c] = true;
    }

    public static CanonicalForms Unicode { get; } = Load();

    public byte Class(int c) => _class.GetValueOrDefault(c);

    public int[]? Decomposition(int c) => _decomposition.GetValueOrDefault(c);

    public int? Composition(int first, int second) => _composition.TryGetValue((first, second), out int whole) ? whole : null;

    /// <summary>Whether composed text may not hold the character as it is: quick check "no" or "maybe".</summary>
    public bool IsChangeable(int c) => c <= char.MaxValue ? _changeableBasic[c] : _changeable.Contains(c);

    private static CanonicalForms Load()
    {
        using var stream = typeof(CanonicalForms).Assembly.GetManifestResourceStream("canonical-forms.txt")!;
        using var reader = new StreamReader(stream);
        return new(reader);
    }

    private void ReadClass(string line)
    {
        string[] parts = line.Split(' ');
        byte value = byte.Parse(parts[0].TrimEnd(':'), CultureInfo.InvariantCulture);
        foreach (string range in parts.Skip(1))
        {
            string[] ends = range.Split('-');
            for (int c = Hex(ends[0]); c <= Hex(ends[^1]); c++)
            {
                _class[c] = value;
                _changeable.Add(c);
            }
        }
    }

    private void ReadDecomposition(string entry)
    {
        string[] sides = entry.TrimStart('!').Split('=');
        int whole = Hex(sides[0]);
        int[] parts = [.. sides[1].Split('+').Select(Hex)];
        _decomposition[whole] = parts;
        if (entry[0] == '!')
        {
            _changeable.Add(whole);
            return;
        }
        _composition[(parts[0], parts[1])] = whole;
        _changeable.Add(parts[1]);
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}

/// <summary>The arithmetic of Hangul syllables (Unicode Standard, section 3.12).</summary>
internal static class Hangul
{
    public const int Syllable = 0xAC00, Lead = 0x1100, Vowel = 0x1161, Trail = 0x11A7;
    public const int Leads = 19, Vowels = 21, Trails = 28, Syllables = Leads * Vowels * Trails;

    public static bool IsSyllable(int c) => c is >= Syllable and < Syllable + Syllables;

    public static int? Compose(int first, int second)
    {
        if (first is >= Lead and < Lead + Leads && second is >= Vowel and < Vowel + Vowels)
            return Syllable + ((first - Lead) * Vowels + second - Vowel) * Trails;
        bool open = IsSyllable(first) && (first - Syllable) % Trails == 0;
        if (open && second is > Trail and < Trail + Trails) return first + second - Trail;
        return null;
    }
}
