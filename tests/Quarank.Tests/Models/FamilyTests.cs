using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>Every family against itself: token by token, at other thread counts, and at its input sites. Against transformers: <see cref="ArchitectureGoldenTests"/>.</summary>
public class FamilyTests
{
    private static readonly int[] PromptLengths = [1, 20, 33, 50];

    public static TheoryData<string> Names => [.. SomeFamily.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_session_gives_after_every_token_what_the_batch_of_that_text_gives(string name)
    {
        var some = SomeFamily.Build(name);
        var ids = some.Ids(60);   // past every window, the context before LongRoPE's switch, and four tiles of 16 keys
        var model = some.Load();
        var expected = Enumerable.Range(0, ids.Length).Select(t => LogitsAfter(model, ids[..(t + 1)])).ToArray();
        foreach (int prompt in PromptLengths)
        {
            var session = model.NewSession();
            AssertClose(expected[prompt - 1], session.Append(ids.AsSpan(0, prompt)));
            for (int t = prompt; t < ids.Length; t++) AssertClose(expected[t], session.Step(ids[t]));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_session_goes_back_and_on_as_if_it_had_never_gone_further(string name)
    {
        var some = SomeFamily.Build(name);
        var ids = some.Ids(45);
        var model = some.Load();
        var session = model.NewSession();
        session.Append(ids);
        session.Rewind(20);
        AssertClose(LogitsAfter(model, [.. ids[..20], 7]), session.Step(7));
        var states = session.ReadAll(ids.AsSpan(0, 24));   // 45 in all
        AssertClose(LogitsAfter(model, [.. ids[..20], 7, .. ids[..24]]), model.Logits(states).Row(23));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_token_of_a_session_allocates_nothing(string name)
    {
        var some = SomeFamily.Build(name);
        var session = some.Load().NewSession();
        var ids = some.Ids(120);
        session.Append(ids.AsSpan(0, 90));   // room for keys doubles from here to more than 120
        for (int i = 90; i < 105; i++) session.Step(ids[i]);
        Assert.Equal(0, Allocations.Least(run =>
        {
            for (int i = 0; i < 3; i++) session.Step(ids[105 + 3 * run + i]);
        }));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Sequences_of_one_batch_get_the_states_they_have_alone(string name)
    {
        var some = SomeFamily.Build(name);
        var model = some.Load();
        int[] beginning = some.Ids(40), left = some.Ids(6, 6), right = some.Ids(9, 7);
        var states = model.Forward([.. beginning, .. left, .. right], [new(0, 40), new(40, 6), new(40, 9)]);
        var alone = model.Forward([.. beginning, .. right]);
        for (int t = 40; t < 49; t++) AssertClose(alone.Row(t), states.Row(t + 6));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_layer_reads_what_is_observed_at_its_site(string name)
    {
        var some = SomeFamily.Build(name);
        var block = some.Load().Blocks[1];
        var hidden = Some.Matrix(40, some.Spec.HiddenSize);
        var spies = new Dictionary<Projection, Spy>();
        foreach (var p in block.Projections) p.Weight = spies[p] = new Spy(p.Weight);
        var seen = new Dictionary<InputSite, float[]>();
        block.Forward(hidden, (site, x) => seen.Add(site, x.Data.ToArray()));

        Assert.Equal(some.Spec.Sites, seen.Keys);
        foreach (var (projection, spy) in spies) Assert.Equal(seen[projection.Site], spy.Read);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Observing_shows_what_running_shows_and_leaves_the_states(string name)
    {
        var some = SomeFamily.Build(name);
        var block = some.Load().Blocks[0];
        var hidden = Some.Matrix(40, some.Spec.HiddenSize);
        var (observed, forwarded) = (new List<float[]>(), new List<float[]>());
        var before = hidden.Data.ToArray();
        block.Observe(hidden, (_, x) => observed.Add(x.Data.ToArray()));
        Assert.Equal(before, hidden.Data.ToArray());
        block.Forward(hidden, (_, x) => forwarded.Add(x.Data.ToArray()));
        Assert.Equal(forwarded, observed);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Results_are_the_same_bits_at_any_thread_count(string name)
    {
        var some = SomeFamily.Build(name);
        var ids = some.Ids(120);
        int before = Threads.Count;
        try
        {
            float[][] results = [.. Enumerable.Range(1, 3).Select(threads =>
            {
                Threads.Count = threads;
                var model = some.Load();
                return model.Logits(model.Forward(ids)).Data.ToArray();
            })];
            Assert.Equal(results[0], results[1]);
            Assert.Equal(results[0], results[2]);
        }
        finally
        {
            Threads.Count = before;
        }
    }

    [Fact]
    public void Sequences_on_both_sides_of_a_switch_of_rotations_cannot_share_a_batch()
    {
        var some = SomeFamily.Build("phi3-longrope");
        var model = some.Load();
        var ids = some.Ids(60);
        var e = Assert.Throws<ArgumentException>(() => model.Forward(ids, [new(0, 30), new(30, 2), new(30, 28)]));
        Assert.Contains("more than 32 tokens", e.Message, StringComparison.Ordinal);
        model.Forward(ids, [new(0, 28), new(28, 6), new(28, 26)]);   // the beginning is on the other side, but no sequence is
    }

    private static float[] LogitsAfter(Model model, int[] ids)
    {
        var states = model.Forward(ids);
        return model.Logits(new Matrix<float>(1, states.Columns, states.Row(ids.Length - 1).ToArray())).Row(0).ToArray();
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        float greatest = 0;
        foreach (float v in expected) greatest = Math.Max(greatest, Math.Abs(v));
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4f * greatest);   // float32 sums in another order
    }

    /// <summary>A layer that keeps what it was given.</summary>
    private sealed class Spy(Linear inner) : Linear(inner.Rows, inner.Columns)
    {
        public float[] Read { get; private set; } = [];
        public override LinearFormat Format => inner.Format;
        public override long Bits => inner.Bits;
        public override void Save(StoredTensors tensors) => inner.Save(tensors);
        public override void DecodeRows(int first, int count, Span<float> rows) => inner.DecodeRows(first, count, rows);

        public override void Apply(ReadOnlySpan<float> x, Span<float> y)
        {
            Read = x.ToArray();
            inner.Apply(x, y);
        }

        public override void Apply(Matrix<float> x, Matrix<float> y)
        {
            Read = x.Data.ToArray();
            inner.Apply(x, y);
        }
    }
}
