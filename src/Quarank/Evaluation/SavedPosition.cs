using System.Buffers.Binary;

namespace Quarank.Evaluation;

/// <summary>A next-token distribution as it is saved: the likeliest tokens, and all others as one.</summary>
/// <param name="Ids">The likeliest tokens, the likeliest first.</param>
/// <param name="Logits">Theirs, to 1/131,070 of what parts the first from the last.</param>
/// <param name="Rest">ln Σ eˣ of all other logits; −∞ where there are none.</param>
/// <param name="LogSum">ln Σ eˣ of all logits.</param>
/// <param name="Wanted">The logit of the token that came.</param>
internal sealed record SavedPosition(int[] Ids, double[] Logits, float Rest, float LogSum, float Wanted)
{
    /// <summary>Bytes before codes and ids: five floats.</summary>
    public const int FixedBytes = 20;

    private const int Steps = ushort.MaxValue;

    /// <summary>−ln p of the token that came.</summary>
    public double Loss => (double)LogSum - Wanted;

    /// <summary>Writes what <see cref="Read"/> reads; overwrites the logits.</summary>
    /// <exception cref="InvalidDataException">Logits are not numbers.</exception>
    public static SavedPosition Write(Span<byte> to, Span<float> logits, int target, int top, int idBytes)
    {
        var (ids, values) = (new int[top], new double[top]);
        TopTokens.Find(logits, ids);
        float wanted = logits[target], greatest = logits[ids[0]], range = greatest - logits[ids[^1]];
        for (int i = 0; i < top; i++)
        {
            values[i] = logits[ids[i]];
            logits[ids[i]] = float.NegativeInfinity;
        }
        double rest = Evaluation.LogSum.Of(logits), sum = Evaluation.LogSum.Of(values, rest);
        if (!double.IsFinite(sum) || !float.IsFinite(range) || !float.IsFinite(wanted)) throw LogitRows.NotFinite();

        float[] numbers = [(float)sum, (float)rest, greatest, range, wanted];
        for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(to[(4 * i)..], numbers[i]);
        Span<byte> codes = to[FixedBytes..], names = codes[(2 * top)..];
        for (int i = 0; i < top; i++)
        {
            int code = range == 0 ? 0 : (int)Math.Round((greatest - values[i]) / range * Steps);
            BinaryPrimitives.WriteUInt16LittleEndian(codes[(2 * i)..], (ushort)Math.Min(code, Steps));
            for (int b = 0; b < idBytes; b++) names[idBytes * i + b] = (byte)(ids[i] >> (8 * b));
        }
        return new(ids, values, (float)rest, (float)sum, wanted);
    }

    /// <summary>A position back from its bytes.</summary>
    /// <exception cref="InvalidDataException">They cannot be a distribution; the message says why, and names no file.</exception>
    public static SavedPosition Read(ReadOnlySpan<byte> from, int vocabulary, int top, int idBytes)
    {
        float sum = Number(from, 0), rest = Number(from, 1), greatest = Number(from, 2), range = Number(from, 3), wanted = Number(from, 4);
        if (!float.IsFinite(sum) || !float.IsFinite(greatest) || !float.IsFinite(wanted) || !float.IsFinite(range) || range < 0
            || float.IsNaN(rest) || float.IsPositiveInfinity(rest))
            throw new InvalidDataException("a logit or a sum is no number");
        var (ids, logits) = (new int[top], new double[top]);
        ReadOnlySpan<byte> codes = from[FixedBytes..], names = codes[(2 * top)..];
        int before = 0;
        for (int i = 0; i < top; i++)
        {
            int code = BinaryPrimitives.ReadUInt16LittleEndian(codes[(2 * i)..]);
            if (code < before || (i == 0 && code > 0)) throw new InvalidDataException("the logits do not fall from the first on");
            before = code;
            logits[i] = greatest - (double)range * code / Steps;
            for (int b = 0; b < idBytes; b++) ids[i] |= names[idBytes * i + b] << (8 * b);
            if (ids[i] >= vocabulary) throw new InvalidDataException($"token {ids[i]} is not one of {vocabulary}");
        }
        if (ids.Distinct().Count() < top) throw new InvalidDataException("a token stands twice");
        if (wanted > greatest) throw new InvalidDataException("the right token's logit is greater than the greatest");
        if (top == vocabulary && !float.IsNegativeInfinity(rest)) throw new InvalidDataException("there is a rest behind the whole vocabulary");
        // A rounding of every logit by half a step moves the sum by no more.
        if (Math.Abs(Evaluation.LogSum.Of(logits, rest) - sum) > range / Steps + 1e-5 * (1 + Math.Abs(sum)))
            throw new InvalidDataException("the log-sum-exp is not that of the logits and the rest");
        return new(ids, logits, rest, sum, wanted);
    }

    private static float Number(ReadOnlySpan<byte> from, int index) => BinaryPrimitives.ReadSingleLittleEndian(from[(4 * index)..]);
}
