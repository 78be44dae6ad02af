using System.Text;
using Quarank.Numerics;
using Quarank.Tokenizers;

namespace Quarank.Pipeline;

/// <summary>
/// Draws documents at random, drops those shorter than a sequence, and takes one random window of each. The texts are streamed:
/// a random key per document decides the order, and only the documents with the smallest keys stay in memory.
/// </summary>
internal static class DocumentSampler
{
    public static int[][] Draw(
        IReadOnlyList<string> files, CalibrationSettings settings, Tokenizer tokenizer, CancellationToken token)
    {
        for (int kept = Math.Max(64, 4 * settings.Samples); ; kept *= 4)
        {
            var drawn = FirstByKey(files, settings, kept, out bool all, token);
            var long_ = new List<int[]>();
            int longest = 0;
            foreach (string document in drawn)
            {
                token.ThrowIfCancellationRequested();
                var ids = tokenizer.Encode(document);
                longest = Math.Max(longest, ids.Length);
                if (ids.Length >= settings.Length) long_.Add(ids);
                if (long_.Count == settings.Samples) break;
            }
            if (long_.Count < settings.Samples && !all) continue;
            if (long_.Count == 0)
                throw CalibrationSet.TooShort(settings, longest == 0
                        ? $"every document is shorter than {settings.Length:N0} bytes, sequences need {settings.Length:N0} tokens"
                        : $"the longest document has {longest:N0} tokens, sequences need {settings.Length:N0}",
                    "shorten the sequences, or join the documents (sampling \"concatenate\")");
            return Windows(long_, settings);
        }
    }

    /// <summary>With fewer long documents than samples, each gives several windows.</summary>
    private static int[][] Windows(List<int[]> documents, CalibrationSettings settings)
    {
        var random = new SeededRandom(~(ulong)settings.Seed);
        var windows = new int[settings.Samples][];
        for (int i = 0; i < windows.Length; i++)
        {
            var document = documents[i % documents.Count];
            windows[i] = document.AsSpan(random.Below(document.Length - settings.Length + 1), settings.Length).ToArray();
        }
        return windows;
    }

    /// <summary>
    /// The documents with the <paramref name="count"/> smallest keys, in the order of their keys; a token is at least a byte,
    /// so short ones are left out.
    /// </summary>
    private static List<string> FirstByKey(
        IReadOnlyList<string> files, CalibrationSettings settings, int count, out bool all, CancellationToken token)
    {
        var random = new SeededRandom((ulong)settings.Seed);
        var kept = new PriorityQueue<(string Text, ulong Key), ulong>();
        all = true;
        foreach (string document in TextFiles.ReadDocuments(files))
        {
            token.ThrowIfCancellationRequested();
            ulong key = random.Next();
            // Unlike a byte, the special tokens around a document come for free: two of them at most.
            if (Encoding.UTF8.GetByteCount(document) + 2 < settings.Length) continue;
            if (kept.Count < count) kept.Enqueue((document, key), ~key);
            else
            {
                kept.EnqueueDequeue((document, key), ~key);
                all = false;
            }
        }
        return [.. kept.UnorderedItems.Select(i => i.Element).OrderBy(e => e.Key).Select(e => e.Text)];
    }
}
