using Quarank.Models;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>Keys behind a sliding window are let go, page by page, and nothing shows it.</summary>
public class WindowCacheTests
{
    [Theory]
    [InlineData("mistral")]
    [InlineData("gemma3")]
    public void Far_behind_a_window_a_session_gives_what_the_batch_gives_and_goes_back_anywhere(string name)
    {
        var (model, ids) = Long(name);
        var session = model.NewSession();
        AssertClose(LogitsAfter(model, ids[..400]), session.Append(ids.AsSpan(0, 400)));
        for (int t = 400; t < 700; t++) session.Step(ids[t]);
        AssertClose(LogitsAfter(model, [.. ids[..700], 3]), session.Step(3));

        session.Rewind(640);   // its window is still there
        AssertClose(LogitsAfter(model, [.. ids[..640], 5]), session.Step(5));
        session.Rewind(300);   // let go: read anew
        AssertClose(LogitsAfter(model, [.. ids[..300], .. ids[100..130]]), session.Append(ids.AsSpan(100, 30)));
        for (int t = 0; t < 300; t++) session.Step(ids[t]);
        session.Rewind(0);
        AssertClose(LogitsAfter(model, ids[50..90]), session.Append(ids.AsSpan(50, 40)));
    }

    [Fact]
    public void The_cache_of_a_window_stops_growing()
    {
        var (model, ids) = Long("mistral");
        var session = model.NewSession(InferenceSettings.Fast);
        session.Append(ids.AsSpan(0, 20));
        long longest = 0;
        for (int t = 20; t < 800; t++)
        {
            session.Step(ids[t]);
            longest = Math.Max(longest, session.CacheBytes);
        }
        // A window of 7, 128 positions to go back over, and where they begin and end within pages of 128.
        Assert.Equal(3 * HeadCache.Page * 2 * model.Spec.KeyValueSize * model.Spec.BlockCount * 2, longest);
        Assert.Equal(longest, session.CacheBytes);

        var read = model.NewSession(InferenceSettings.Fast);
        read.Append(ids);
        Assert.InRange(read.CacheBytes, longest, Session.MostKept(7) * 2L * model.Spec.KeyValueSize * model.Spec.BlockCount * 2);
    }

    private static (Model Model, int[] Ids) Long(string name)
    {
        var some = SomeFamily.Build(name, 3, ("max_position_embeddings", 1400));
        return (some.Load(), some.Ids(1300));
    }

    private static float[] LogitsAfter(Model model, int[] ids)
    {
        var states = model.Forward(ids);
        var logits = new float[model.Spec.VocabularySize];
        model.Head.Logits(states.Row(ids.Length - 1), logits);
        return logits;
    }

    // As FamilyTests: sums of other orders.
    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        float most = 0;
        foreach (float e in expected) most = Math.Max(most, Math.Abs(e));
        for (int i = 0; i < expected.Length; i++) Assert.InRange(Math.Abs(expected[i] - actual[i]), 0, 1e-4f * most);
    }
}
