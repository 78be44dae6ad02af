using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Quarank.Numerics;
using Quarank.Tokenizers;

namespace Quarank.Pipeline;

/// <summary>The sequences of tokens that a model is calibrated on.</summary>
public sealed class CalibrationSet
{
    private CalibrationSet(IReadOnlyList<int[]> sequences) => (Sequences, Hash) = (sequences, HashOf(sequences));

    /// <summary>All of one length.</summary>
    public IReadOnlyList<int[]> Sequences { get; }

    public long Tokens => Sequences.Sum(s => (long)s.Length);

    /// <summary>
    /// SHA-256 of all ids: two runs with the same hash were calibrated on the same tokens, whatever files they came from.
    /// </summary>
    public string Hash { get; }

    /// <summary>Sequences that are there already.</summary>
    internal static CalibrationSet Of(IReadOnlyList<int[]> sequences) => new(sequences);

    /// <summary>Reads the texts and cuts the sequences.</summary>
    /// <exception cref="InvalidDataException">A text that cannot be read, or too few tokens: the message says how many there
    /// are.</exception>
    public static CalibrationSet Read(CalibrationSettings settings, Tokenizer tokenizer, CancellationToken token = default)
    {
        settings.Check();
        var files = TextFiles.List(settings.Paths);
        return new(settings.Sampling switch
        {
            Sampling.Concatenate => Cut(files, settings, tokenizer, token),
            Sampling.Windows => Windows(files, settings, tokenizer, token),
            Sampling.Documents => DocumentSampler.Draw(files, settings, tokenizer, token),
            _ => throw new ArgumentOutOfRangeException(nameof(settings), settings.Sampling, "unknown sampling"),
        });
    }

    /// <summary>
    /// Only as much text is read as the tokens need; a margin keeps the cut away from where the text was broken off.
    /// </summary>
    private static int[][] Cut(
        IReadOnlyList<string> files, CalibrationSettings settings, Tokenizer tokenizer, CancellationToken token)
    {
        const int margin = 1024;
        long needed = (long)settings.Samples * settings.Length;
        var text = new StringBuilder();
        using var pieces = Joined(files, settings.Separator).GetEnumerator();
        for (long target = 8 * needed; ; target *= 2)
        {
            bool more = true;
            while (text.Length < target && (more = pieces.MoveNext())) text.Append(pieces.Current);
            token.ThrowIfCancellationRequested();
            var ids = tokenizer.Encode(text.ToString());
            if (more && ids.Length < needed + margin) continue;
            if (ids.Length < needed)
                throw TooShort(settings,
                    $"the texts have {ids.Length:N0} tokens, {settings.Samples} x {settings.Length:N0} = {needed:N0} are needed",
                    $"add text, or ask for {Fitting(ids.Length, settings.Length)}");
            return [.. Enumerable.Range(0, settings.Samples)
                .Select(i => ids.AsSpan(i * settings.Length, settings.Length).ToArray())];
        }
    }

    private static int[][] Windows(
        IReadOnlyList<string> files, CalibrationSettings settings, Tokenizer tokenizer, CancellationToken token)
    {
        var text = new StringBuilder();
        foreach (string piece in Joined(files, settings.Separator))
        {
            token.ThrowIfCancellationRequested();
            if ((long)text.Length + piece.Length > 1 << 30)
                throw new InvalidDataException(
                    "Random windows need the whole text in memory, and it is beyond 1,073,741,824 characters; give fewer files.");
            text.Append(piece);
        }
        var ids = tokenizer.Encode(text.ToString());
        if (ids.Length <= settings.Length)
            throw TooShort(settings,
                $"the texts have {ids.Length:N0} tokens, random windows of {settings.Length:N0} need more than that",
                "add text or shorten the sequences");
        var random = new SeededRandom((ulong)settings.Seed);
        var windows = new int[settings.Samples][];
        for (int i = 0; i < windows.Length; i++)
            windows[i] = ids.AsSpan(random.Below(ids.Length - settings.Length), settings.Length).ToArray();
        return windows;
    }

    private static IEnumerable<string> Joined(IReadOnlyList<string> files, string separator)
    {
        bool first = true;
        foreach (var piece in TextFiles.Read(files))
        {
            if (piece.BeginsDocument && !first) yield return separator;
            yield return piece.Text;
            first = false;
        }
    }

    internal static InvalidDataException TooShort(CalibrationSettings settings, string what, string remedy) =>
        new($"{string.Join(", ", settings.Paths)}: too short for calibration: {what}; {remedy}.");

    private static string Fitting(int tokens, int length) =>
        tokens >= length ? $"{tokens / length} samples" : $"sequences of at most {tokens:N0} tokens";

    private static string HashOf(IReadOnlyList<int[]> sequences)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var sequence in sequences)
        {
            hash.AppendData(BitConverter.GetBytes(sequence.Length));
            hash.AppendData(MemoryMarshal.AsBytes(sequence.AsSpan()));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
