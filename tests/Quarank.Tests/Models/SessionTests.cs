using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>Sessions in every kind of numbers, beside the batch; some change the pool's size, so these run alone.</summary>
[Collection(nameof(ThreadsTests))]
public sealed class SessionTests : IDisposable
{
    private readonly int _threads = Threads.Count;

    public void Dispose() => Threads.Count = _threads;

    public static TheoryData<InputNumbers, CacheNumbers> Kinds =>
        [.. from i in Enum.GetValues<InputNumbers>() from c in Enum.GetValues<CacheNumbers>() select (i, c)];

    [Theory, MemberData(nameof(Kinds))]
    public void Token_by_token_and_as_a_prompt_a_text_gets_the_same_logits_near_the_exact_ones(InputNumbers inputs, CacheNumbers cache)
    {
        var (model, ids) = Compressed(200);
        var exact = model.Logits(model.Forward(ids));
        Session one = model.NewSession(new(inputs, cache)), many = model.NewSession(new(inputs, cache));
        var states = model.Logits(many.ReadAll(ids.AsSpan(0, 190)));
        double error = 0, size = 0, apart = 0;
        for (int t = 0; t < ids.Length; t++)
        {
            var logits = one.Step(ids[t]);
            var other = t < 190 ? states.Row(t) : many.Step(ids[t]);
            for (int i = 0; i < logits.Length; i++)
            {
                apart += Math.Pow(logits[i] - other[i], 2);
                (error, size) = (error + Math.Pow(logits[i] - exact[t, i], 2), size + Math.Pow(exact[t, i], 2));
            }
        }
        // Another order of sums; a value at the border between two bytes may fall to either side, and what follows with it.
        Assert.InRange(Math.Sqrt(apart / size), 0, inputs == InputNumbers.Bytes ? 0.02 : cache == CacheNumbers.F32 ? 1e-5 : cache == CacheNumbers.Q4 ? 0.1 : 1e-2);
        double relative = Math.Sqrt(error / size);
        Assert.InRange(relative, 0, (inputs, cache) switch
        {
            (InputNumbers.Floats, CacheNumbers.F32) => 1e-5,
            (InputNumbers.Floats, CacheNumbers.F16) => 1e-3,
            (_, CacheNumbers.Q4) => 0.4,   // sixteen levels
            _ => 0.05,   // a hundredth a layer, in some places of two blocks
        });
        if (inputs == InputNumbers.Bytes || cache is CacheNumbers.Q8 or CacheNumbers.Q4) Assert.True(relative > 1e-5, "nothing was rounded");
    }

    [Theory, InlineData(1), InlineData(2)]
    public void A_token_of_a_fast_session_allocates_nothing(int threads)
    {
        Threads.Count = threads;
        var (model, ids) = Compressed(190);
        var session = model.NewSession(InferenceSettings.Fast);
        session.Append(ids.AsSpan(0, 129));                        // room for keys until 256
        for (int i = 129; i < 139; i++) session.Step(ids[i]);
        Assert.Equal(0, Allocations.Least(run =>
        {
            for (int i = 0; i < 10; i++) session.Step(ids[139 + 10 * run + i]);
        }));
    }

    [Fact]
    public void Fast_results_are_the_same_bits_at_any_thread_count()
    {
        var (model, ids) = Compressed(180);
        float[] Last(int threads)
        {
            Threads.Count = threads;
            var session = model.NewSession(InferenceSettings.Fast);
            session.Append(ids.AsSpan(0, 150));
            for (int i = 150; i < 179; i++) session.Step(ids[i]);
            return session.Step(ids[179]).ToArray();
        }
        float[] one = Last(1);
        Assert.Equal(one, Last(2));
        Assert.Equal(one, Last(3));
    }

    [Fact]
    public void The_cache_takes_the_bytes_of_its_numbers_and_grows_with_the_text()
    {
        var (model, ids) = Compressed(150);
        var spec = model.Spec;
        foreach (var (cache, bytes) in new[] { (CacheNumbers.F32, 4.0), (CacheNumbers.F16, 2), (CacheNumbers.Q8, 1 + 4.0 / spec.HeadSize) })
        {
            var session = model.NewSession(new(Cache: cache));
            Assert.Equal(0, session.CacheBytes);
            session.Append(ids.AsSpan(0, 10));
            Assert.Equal(16 * 2 * spec.KeyValueSize * spec.BlockCount * bytes, session.CacheBytes);
            session.Append(ids.AsSpan(10));
            Assert.Equal(256 * 2 * spec.KeyValueSize * spec.BlockCount * bytes, session.CacheBytes);
        }
    }

    /// <summary>Two blocks of grids and products; long enough a context for several pages of keys.</summary>
    private static (Model Model, int[] Ids) Compressed(int tokens)
    {
        var tiny = SomeLlama.Build(15, ("max_position_embeddings", 400), ("hidden_size", 160), ("intermediate_size", 288), ("head_dim", 48));
        var model = tiny.Load();
        foreach (var projection in model.Blocks.SelectMany(b => b.Projections))
        {
            var h = new Matrix<double>(projection.Spec.Columns, projection.Spec.Columns);
            for (int i = 0; i < h.Rows; i++) h[i, i] = 1;
            Method method = projection.Name.Contains("mlp", StringComparison.Ordinal) ? new Lordq(Rank: 70) : new RoundToNearest(new GridFormat(4, 64));
            projection.Weight = method.Compress(new(projection.Name, projection.Weight.ToDense(), new(100, h), Seed: 1));
        }
        return (model, tiny.Ids(tokens));
    }
}
