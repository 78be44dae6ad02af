using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Layers;

/// <summary>Layers that read the same token, in one round of work.</summary>
public class LayersTogetherTests
{
    private const int Columns = 320;

    [Theory, InlineData(InputNumbers.Bytes), InlineData(InputNumbers.Floats)]
    public void Products_that_read_the_same_give_together_what_each_gives_alone_bit_for_bit(InputNumbers numbers)
    {
        Linear[] layers = [Product(96, 40), Product(64, 7), Product(64, 33)];
        float[] x = Some.Matrix(1, Columns).Data.ToArray();
        float[][] alone = [.. layers.Select(l => new float[l.Rows])], together = [.. layers.Select(l => new float[l.Rows])];
        for (int i = 0; i < 3; i++) layers[i].Apply(x, alone[i], numbers);

        Assert.True(ProductLinear.TryApplyTogether(layers[0], layers[1], layers[2], x, together[0], together[1], together[2], numbers));
        Assert.Equal(alone, together);
        foreach (float[] y in together) Array.Clear(y);
        Assert.True(ProductLinear.TryApplyTogether(layers[2], layers[0], null, x, together[2], together[0], [], numbers));
        Assert.Equal([alone[0], new float[64], alone[2]], together);
    }

    [Fact]
    public void A_product_and_a_grid_do_not_go_together()
    {
        float[] x = new float[Columns], y = new float[64];
        Assert.False(ProductLinear.TryApplyTogether(Product(64, 7), Grid(64, Columns, GridAxis.Rows), null, x, y, y, [], InputNumbers.Bytes));
    }

    private static ProductLinear Product(int rows, int rank) => new(Grid(rows, rank, GridAxis.Columns), Grid(rank, Columns, GridAxis.Rows));

    private static GridLinear Grid(int rows, int columns, GridAxis axis)
    {
        var random = new Random(rows);
        var format = new GridFormat(4, 0, GridOffset.None, axis);
        byte[] codes = new byte[rows * BitPacking.ByteCount(columns, 4)];
        random.NextBytes(codes);
        float[] scales = [.. Enumerable.Range(0, format.ScaleCount(rows, columns)).Select(_ => (float)(Half)(random.NextSingle() + 0.1f))];
        return new(format, rows, columns, codes, scales, [], []);
    }
}
