using System.Buffers.Binary;
using Quarank.Evaluation;
using Xunit;

namespace Quarank.Tests.Evaluation;

public class SavedPositionTests
{
    private const int Vocabulary = 200, Top = 64;

    [Fact]
    public void What_is_read_is_what_was_written_to_half_a_step()
    {
        var logits = Logits();
        var bytes = Written();
        var read = SavedPosition.Read(bytes, Vocabulary, Top, 2);
        int[] best = [.. Enumerable.Range(0, Vocabulary).OrderByDescending(i => logits[i]).Take(Top)];
        Assert.Equal(best, read.Ids);
        double step = (logits[best[0]] - logits[best[^1]]) / (double)ushort.MaxValue;
        for (int i = 0; i < Top; i++) Assert.Equal(logits[best[i]], read.Logits[i], step / 2 + 1e-6);
        Assert.Equal(Math.Log(logits.Sum(v => Math.Exp(v))), read.LogSum, 1e-5);
        Assert.Equal(Math.Log(logits.Where((_, i) => !best.Contains(i)).Sum(v => Math.Exp(v))), read.Rest, 1e-5);
        Assert.Equal(logits[7], read.Wanted);
    }

    [Fact]
    public void Equal_logits_are_kept_in_the_order_of_their_ids()
    {
        var bytes = new byte[20 + 4 * Top];
        SavedPosition.Write(bytes, new float[Vocabulary], 0, Top, 2);
        var read = SavedPosition.Read(bytes, Vocabulary, Top, 2);
        Assert.Equal(Enumerable.Range(0, Top), read.Ids);
        Assert.Equal(Math.Log(Vocabulary), read.Loss, 1e-5);
    }

    public static TheoryData<string, Action<byte[]>> Lies => new()
    {
        { "no number", b => Put(b, 0, float.NaN) },
        { "no number", b => Put(b, 1, float.PositiveInfinity) },
        { "no number", b => Put(b, 2, float.NegativeInfinity) },
        { "no number", b => Put(b, 3, -1) },
        { "no number", b => Put(b, 4, float.NaN) },
        { "log-sum-exp", b => Put(b, 0, 50) },
        { "log-sum-exp", b => Put(b, 1, 50) },
        { "greater than the greatest", b => Put(b, 4, 60) },
        { "do not fall", b => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(20), 1) },
        { "do not fall", b => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(20 + 2 * 30), 0) },
        { "not one of 200", b => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(20 + 2 * Top), Vocabulary) },
        { "stands twice", b => b.AsSpan(20 + 2 * Top, 2).CopyTo(b.AsSpan(22 + 2 * Top)) },
    };

    [Theory]
    [MemberData(nameof(Lies), DisableDiscoveryEnumeration = true)]
    public void A_position_that_cannot_be_is_refused(string why, Action<byte[]> lie)
    {
        var bytes = Written();
        lie(bytes);
        Assert.Contains(why, Assert.Throws<InvalidDataException>(() => SavedPosition.Read(bytes, Vocabulary, Top, 2)).Message);
    }

    [Fact]
    public void A_rest_behind_the_whole_vocabulary_is_refused()
    {
        var bytes = new byte[20 + 4 * 3];
        SavedPosition.Write(bytes, [1, 3, 2], 0, 3, 2);
        Assert.Equal(float.NegativeInfinity, SavedPosition.Read(bytes, 3, 3, 2).Rest);
        Put(bytes, 1, -30);
        Assert.Contains("behind the whole", Assert.Throws<InvalidDataException>(() => SavedPosition.Read(bytes, 3, 3, 2)).Message);
    }

    private static void Put(byte[] bytes, int number, float value) => BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * number), value);

    private static float[] Logits()
    {
        var random = new Random(8);
        return [.. Enumerable.Range(0, Vocabulary).Select(_ => 20 * random.NextSingle() - 5)];
    }

    private static byte[] Written()
    {
        var bytes = new byte[20 + 4 * Top];
        SavedPosition.Write(bytes, Logits(), 7, Top, 2);
        return bytes;
    }
}
