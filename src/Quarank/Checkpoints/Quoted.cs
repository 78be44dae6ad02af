namespace Quarank.Checkpoints;

/// <summary>Text from a file, made fit for one line of a message.</summary>
internal static class Quoted
{
    private const int Longest = 120;

    public static string Name(string text)
    {
        string plain = string.Create(Math.Min(text.Length, Longest), text, static (span, t) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = char.IsControl(t[i]) || char.IsSurrogate(t[i]) ? '?' : t[i];
        });
        return text.Length > Longest ? $"'{plain}…'" : $"'{plain}'";
    }
}
