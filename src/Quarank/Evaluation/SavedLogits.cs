using Microsoft.Win32.SafeHandles;
using Quarank.Numerics;
using Quarank.Tokenizers;

namespace Quarank.Evaluation;

/// <summary>
/// A model's next-token distributions on a text, in a file: of each the 64 likeliest tokens with their logits, and the log-sum-exp.
/// So a large model runs once, and smaller ones are compared with it without it. Layout: docs/formats.md, Saved logits.
/// </summary>
public sealed class SavedLogits : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _file;

    private SavedLogits(string path, SafeFileHandle file, SavedLogitsHeader header) => (_path, _file, Header) = (path, file, header);

    public SavedLogitsHeader Header { get; }

    /// <summary>Opens a file; distributions are read a segment at a time.</summary>
    /// <exception cref="InvalidDataException">It is of another kind, cut off, or its header is damaged.</exception>
    public static SavedLogits Open(string path)
    {
        var file = File.OpenHandle(path);
        try
        {
            var start = new byte[SavedLogitsHeader.HeaderBytes];
            int read = RandomAccess.Read(file, start, 0);
            return new(path, file, SavedLogitsHeader.Read(path, start.AsSpan(0, read), RandomAccess.GetLength(file)));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Runs a model and writes its distributions.</summary>
    /// <param name="ids">The tokens that the header was made of.</param>
    /// <returns>The model's perplexity, of the same pass.</returns>
    /// <exception cref="InvalidDataException">Logits are not numbers.</exception>
    public static PerplexityResult Write(
        Stream to, SavedLogitsHeader header, Predictor model, ReadOnlySpan<int> ids, IProgress<EvaluationProgress>? progress = null)
    {
        if (model.Head.Table.Rows != header.Vocabulary)
            throw new ArgumentException($"The header names {header.Vocabulary} tokens, the model has {model.Head.Table.Rows}.", nameof(header));
        to.Write(header.ToBytes());
        var (rows, losses) = (new LogitRows(model), new SampleMean());
        var (bytes, found) = (new byte[header.SegmentBytes], new double[header.Length - 1]);
        int positions = bytes.Length - SavedLogitsHeader.ChecksumBytes;
        for (int i = 0; i < header.Segments; i++)
        {
            var (states, targets) = (model.States(i), ids.Slice(i * header.Length + 1, found.Length).ToArray());
            for (int done = 0; done < found.Length; done += LogitRows.Chunk)
            {
                int first = done, count = Math.Min(LogitRows.Chunk, found.Length - done);
                var logits = rows.Of(states, first, count);
                Threads.For(count, t => found[first + t] = SavedPosition.Write(
                    bytes.AsSpan((first + t) * header.PositionBytes, header.PositionBytes), logits.Row(t), targets[first + t],
                    header.Top, header.IdBytes).Loss);
            }
            SavedLogitsHeader.Checksum(bytes.AsSpan(0, positions)).CopyTo(bytes.AsSpan(positions));
            to.Write(bytes);
            foreach (double loss in found) losses.Add(loss);
            progress?.Report(new(i + 1, header.Segments, Math.Exp(losses.Mean)));
        }
        return losses.Perplexity(Perplexity.SegmentProtocol(header.Length), header.Segments);
    }

    /// <summary>Refuses a text, a tokenizer, a vocabulary or a length of segments that is not the file's.</summary>
    /// <exception cref="InvalidDataException">Names what differs.</exception>
    public void Check(string text, Tokenizer tokenizer, ReadOnlySpan<int> ids, int vocabulary, int length)
    {
        if (length != Header.Length)
            throw Refused($"its segments have {Header.Length} tokens, not {length}; give --length {Header.Length}, or save the logits again");
        if (SavedLogitsHeader.HashOf(text) != Header.Text) throw Refused("it was saved on another text");
        CheckVocabulary(vocabulary);
        if (tokenizer.Fingerprint() != Header.Tokenizer) throw Refused("it was saved with another tokenizer: its tokens have other ids");
        CheckTokens(ids);
    }

    /// <summary>How many segments to compare, after the checks that need no text.</summary>
    internal int SegmentsOf(ReadOnlySpan<int> ids, int vocabulary, int? segments)
    {
        CheckVocabulary(vocabulary);
        CheckTokens(ids);
        int wanted = segments is null ? Header.Segments : Math.Min(segments.Value, ids.Length / Header.Length);
        if (wanted > Header.Segments) throw Refused($"it has {Header.Segments} segments, not the {wanted} that are asked for");
        return wanted;
    }

    /// <summary>The distributions of a segment.</summary>
    /// <exception cref="InvalidDataException">They are damaged; names file, segment and position.</exception>
    internal SavedPosition[] Segment(int index)
    {
        var bytes = new byte[Header.SegmentBytes];
        long at = SavedLogitsHeader.HeaderBytes + index * Header.SegmentBytes;
        int read = 0;
        while (read < bytes.Length && RandomAccess.Read(_file, bytes.AsSpan(read), at + read) is > 0 and var more) read += more;
        int positions = bytes.Length - SavedLogitsHeader.ChecksumBytes;
        if (read < bytes.Length || !SavedLogitsHeader.Checksum(bytes.AsSpan(0, positions)).SequenceEqual(bytes.AsSpan(positions)))
            throw new InvalidDataException($"{_path}: segment {index} is damaged (its checksum differs); save the logits again.");
        var found = new SavedPosition[Header.Length - 1];
        for (int i = 0; i < found.Length; i++)
        {
            try
            {
                found[i] = SavedPosition.Read(
                    bytes.AsSpan(i * Header.PositionBytes, Header.PositionBytes), Header.Vocabulary, Header.Top, Header.IdBytes);
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException($"{_path}: segment {index}, position {i}: {e.Message}; save the logits again.", e);
            }
        }
        return found;
    }

    private void CheckVocabulary(int vocabulary)
    {
        if (vocabulary != Header.Vocabulary)
            throw Refused($"its vocabulary has {Header.Vocabulary} tokens, this model's {vocabulary}; compare a model with the one it was made of");
    }

    private void CheckTokens(ReadOnlySpan<int> ids)
    {
        long tokens = (long)Header.Segments * Header.Length;
        if (ids.Length < tokens || SavedLogitsHeader.HashOf(ids[..(int)tokens]) != Header.Tokens)
            throw Refused("its tokens are not those that this text and tokenizer give");
    }

    private InvalidDataException Refused(string why) => new($"{_path}: {why}.");
}
