using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Layers;

/// <summary>Layers whose input is rounded: what they multiply, what they store, and that a session's own rounding does not touch them.</summary>
public class QuantizedInputTests
{
    private static readonly Dictionary<string, (InputRounder Input, Func<Linear> Inner)> Samples = new()
    {
        ["4 bits a token, a grid of 4"] = (InputRounder.Dynamic(new(4), 0.9f), () => LinearContractTests.Grid(new(4, 0, GridOffset.None), 70, 192)),
        ["8 bits a token, a grid of 4 in groups"] = (InputRounder.Dynamic(new(8)), () => LinearContractTests.Grid(new(4, 64), 70, 160)),
        ["8 bits, a grid of 8"] = (InputRounder.Dynamic(new(8, 128)), () => LinearContractTests.Grid(new(8), 70, 300)),
        ["8 bits asymmetric in groups, a grid of 3"] = (InputRounder.Dynamic(new(8, 32, Symmetric: false)), () => LinearContractTests.Grid(new(3, 32), 70, 45)),
        ["static, dense"] = (InputRounder.Static(new(8, 0, Symmetric: false, Static: true), -1, 0.75f), () => new DenseLinear(Some.Matrix(70, 45))),
        ["4 bits, a rotated grid"] = (InputRounder.Dynamic(new(4)), () => new TransformedLinear(LinearContractTests.Grid(new(8, 16), 70, 45), 11)),
    };

    public static TheoryData<string> Names => [.. Samples.Keys];

    [Theory, MemberData(nameof(Names))]
    public void The_inner_layer_reads_the_rounded_input_whatever_a_session_asks_for(string name)
    {
        var (linear, x) = (Build(name), Some.Matrix(9, Build(name).Columns));
        var expected = LinearAlgebra.MultiplyTransposed(linear.Rounded(x), linear.ToDense());
        float most = expected.Data.ToArray().Max(Math.Abs);
        var (many, rounded, one) = (linear.Apply(x), new Matrix<float>(9, linear.Rows), new float[linear.Rows]);
        linear.ApplyRounded(x, rounded);
        Assert.Equal(many.Data.ToArray(), rounded.Data.ToArray());
        for (int t = 0; t < x.Rows; t++)
        {
            linear.Apply(x.Row(t), one, InputNumbers.Bytes);
            for (int i = 0; i < one.Length; i++)
            {
                Assert.Equal(expected[t, i], many[t, i], 1e-5f * most);     // float sums in another order
                Assert.Equal(expected[t, i], one[i], 1e-5f * most);
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Its_bytes_bring_it_back_and_Bits_counts_them(string name)
    {
        var (linear, stored) = (Build(name), new Dictionary<string, StoredTensor>());
        linear.Save(new StoredTensors(stored).Under("layer"));
        string json = JsonSerializer.Serialize<LinearFormat>(linear.Format);
        Assert.Contains("\"form\":\"quantizedInput\"", json, StringComparison.Ordinal);
        var format = JsonSerializer.Deserialize<LinearFormat>(json)!;
        Assert.Equal(linear.Format, format);
        var back = format.Load(new StoredTensors(stored).Under("layer"), linear.Rows, linear.Columns);
        Assert.Equal(linear.Bits, stored.Values.Sum(t => 8 * t.ByteLength));
        Assert.Equal(linear.Apply(Some.Matrix(5, linear.Columns)).Data.ToArray(), back.Apply(Some.Matrix(5, linear.Columns)).Data.ToArray());
    }

    [Fact]
    public void A_range_that_is_none_is_refused_by_name()
    {
        var stored = new Dictionary<string, StoredTensor>();
        var linear = Build("static, dense");
        linear.Save(new StoredTensors(stored).Under("up_proj"));
        stored["up_proj.range"] = StoredTensor.FromValues("up_proj.range", new float[] { 2, -2 }, 2);
        var e = Assert.Throws<InvalidDataException>(() => linear.Format.Load(new StoredTensors(stored).Under("up_proj"), 70, 45));
        Assert.Contains("up_proj.range", e.Message, StringComparison.Ordinal);
    }

    private static QuantizedInputLinear Build(string name) => new(Samples[name].Input, Samples[name].Inner());
}
