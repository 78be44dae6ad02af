using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

public class HeadCacheTests
{
    private static readonly int[] Sizes = [6, 16, 20, 64];

    public static TheoryData<CacheNumbers, int> Caches => [.. from n in Enum.GetValues<CacheNumbers>() from size in Sizes select (n, size)];

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(7), InlineData(12)]
    public void Thin_products_agree_with_the_plain_loop_in_every_kind_of_number(int rows)
    {
        foreach (int k in new[] { 1, 3, 64, 65 })
        {
            float[] numbers = Some.Matrix(k, 20, 2).Data.ToArray();
            var halves = new ushort[numbers.Length];
            for (int i = 0; i < halves.Length; i++) halves[i] = BitConverter.HalfToUInt16Bits((Half)numbers[i]);
            Check<float, StoredSingles>(rows, k, numbers);
            Check<ushort, StoredHalves>(rows, k, halves);
            Check<sbyte, StoredBytes>(rows, k, [.. numbers.Select(n => (sbyte)(127 * n))]);
        }
    }

    private static void Check<T, TNumbers>(int rows, int k, T[] b) where T : unmanaged where TNumbers : struct, IStoredNumbers<T>
    {
        float[] a = Some.Matrix(rows, k + 3).Data.ToArray();
        foreach (bool add in new[] { false, true })
        {
            float[] expected = Some.Matrix(rows, 18, 3).Data.ToArray(), actual = (float[])expected.Clone();
            ThinProduct<T, TNumbers>.MultiplyScalar(rows, k, a, k + 3, b, 20, expected, 18, add);
            ThinProduct<T, TNumbers>.Multiply(rows, k, a, k + 3, b, 20, actual, 18, add);
            float size = typeof(T) == typeof(sbyte) ? 127 : 1;   // float sums of k terms of that size, in another order
            Assert.Equal(expected, actual, (x, y) => Math.Abs(x - y) <= 1e-6f * size * (k + 1));
        }
    }

    [Theory, MemberData(nameof(Caches))]
    public void What_is_stored_comes_back_within_a_step_of_its_numbers_also_after_more_room_was_made(CacheNumbers numbers, int size)
    {
        const int count = 300;
        var (cache, keys, values) = Filled(numbers, size, count);
        cache.Cover(1000);
        for (int t = 0; t < count; t++) AssertNear(keys.Row(t), Key(cache, t), numbers);
        for (int t = 0; t < count; t++) AssertNear(values.Row(t), cache.Values(t, 1, new float[HeadCache.Page * size]), numbers);
    }

    [Theory, MemberData(nameof(Caches))]
    public void Scores_and_weighted_values_are_those_of_what_comes_back(CacheNumbers numbers, int size)
    {
        const int rows = 3;
        var (cache, _, _) = Filled(numbers, size, 300);
        float[] queries = Some.Matrix(rows, size, 8).Data.ToArray(), scratch = new float[HeadCache.Page * size];
        foreach (var (from, count) in new[] { (0, 128), (128, 37), (16, 1), (32, 96), (256, 44) })
        {
            int stride = AttentionKernels.WholeTiles(count) + 3;
            float[] scores = new float[rows * stride], output = new float[rows * size], weights = Some.Matrix(rows, stride, 9).Data.ToArray();
            cache.Scores(queries, from, count, scores, stride);
            cache.WeightedValues((float[])weights.Clone(), stride, from, count, output);
            for (int r = 0; r < rows; r++)
            {
                var sums = new double[size];
                for (int j = 0; j < count; j++)
                {
                    var key = Key(cache, from + j);
                    var value = cache.Values(from + j, 1, scratch);
                    double score = 0;
                    for (int d = 0; d < size; d++) score += queries[r * size + d] * (double)key[d];
                    Assert.Equal(score, scores[r * stride + j], 1e-5 * Math.Sqrt(size));
                    for (int d = 0; d < size; d++) sums[d] += weights[r * stride + j] * (double)value[d];
                }
                for (int d = 0; d < size; d++) Assert.Equal(sums[d], output[r * size + d], 1e-5 * Math.Sqrt(count));
            }
        }
    }

    [Fact]
    public void Room_grows_with_use_and_bytes_count_it()
    {
        var cache = HeadCache.Create(CacheNumbers.Q8, 64);
        Assert.Equal(0, cache.Capacity);
        foreach (var (positions, capacity) in new[] { (1, 16), (17, 32), (33, 64), (128, 128), (129, 256), (400, 512) })
        {
            cache.Cover(positions);
            Assert.Equal(capacity, cache.Capacity);
        }
        Assert.Equal(2 * 64 + 8, cache.BytesPerPosition);
        Assert.Equal(2 * (32 + 2 * 4), HeadCache.Create(CacheNumbers.Q4, 64).BytesPerPosition);
        Assert.Equal(4 * 64, HeadCache.Create(CacheNumbers.F16, 64).BytesPerPosition);
        Assert.Equal(8 * 64, HeadCache.Create(CacheNumbers.F32, 64).BytesPerPosition);
    }

    [Theory, InlineData(CacheNumbers.F16), InlineData(CacheNumbers.Q8)]
    public void Numbers_beyond_what_can_be_stored_stay_large_and_zeros_stay_zeros(CacheNumbers numbers)
    {
        var cache = HeadCache.Create(numbers, 16);
        cache.Cover(2);
        float[] large = new float[16], scratch = new float[HeadCache.Page * 16];
        large[3] = -3e6f;
        cache.Store(0, large, large);
        cache.Store(1, new float[16], new float[16]);
        Assert.Equal(numbers == CacheNumbers.F16 ? -65504 : -3e6f, cache.Values(0, 1, scratch)[3], 1f);
        Assert.Equal(new float[16], cache.Values(1, 1, scratch).ToArray());
    }

    [Fact]
    public void Four_bits_keep_what_is_not_finite_as_such_and_hold_a_range_far_from_zero()
    {
        var cache = HeadCache.Create(CacheNumbers.Q4, 40);
        cache.Cover(2);
        float[] far = [.. Enumerable.Range(0, 40).Select(i => 100 + i % 7)], none = new float[40], scratch = new float[HeadCache.Page * 40];
        none[35] = float.PositiveInfinity;
        cache.Store(0, far, far);
        cache.Store(1, none, none);
        for (int i = 0; i < 40; i++) Assert.Equal(far[i], cache.Values(0, 1, scratch)[i], 0.25f);
        Assert.Equal(0, cache.Values(1, 1, scratch)[0]);
        Assert.True(float.IsNaN(cache.Values(1, 1, scratch)[35]));
    }

    private static (HeadCache Cache, Quarank.Numerics.Matrix<float> Keys, Quarank.Numerics.Matrix<float> Values) Filled(CacheNumbers numbers, int size, int count)
    {
        var cache = HeadCache.Create(numbers, size);
        var (keys, values) = (Some.Matrix(count, size, 5), Some.Matrix(count, size, 6));
        for (int t = 0; t < count; t++)
        {
            cache.Cover(t + 1);
            cache.Store(t, keys.Row(t), values.Row(t));
        }
        return (cache, keys, values);
    }

    private static float[] Key(HeadCache cache, int position)
    {
        int tile = position / 16 * 16;
        var tiles = cache.Keys(tile, 16, new float[HeadCache.Page * cache.HeadSize]).ToArray();
        return [.. Enumerable.Range(0, cache.HeadSize).Select(d => tiles[d * 16 + position % 16])];
    }

    private static void AssertNear(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, CacheNumbers numbers)
    {
        float most = 0;
        foreach (float v in expected) most = Math.Max(most, Math.Abs(v));
        for (int i = 0; i < expected.Length; i++)
        {
            float step = numbers switch
            {
                CacheNumbers.F32 => 0,
                CacheNumbers.F16 => Math.Abs(expected[i]) / 2048 + 1e-7f,
                // Half a step of a fifteenth of the range, and what float16 does to scale and offset.
                CacheNumbers.Q4 => most / 15 + most / 500,
                _ => most / 254 + 1e-6f
            };
            Assert.InRange(Math.Abs(expected[i] - actual[i]), 0, step);
        }
    }
}
