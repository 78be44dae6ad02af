using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Compression.Learning;
using Quarank.Compression.Learning.Tuning;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Layers;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>Stored layers taken apart for tuning, one of every form.</summary>
public class TunedFormTests
{
    public static TheoryData<string> Forms => [.. LinearContractTests.Samples.Keys];

    [Theory, MemberData(nameof(Forms))]
    public void Every_gradient_is_the_slope_of_the_loss(string form)
    {
        var tuned = TunedForm<double>.Of(LinearContractTests.Samples[form]());
        var target = Doubles(tuned.Rows, tuned.Columns);
        double Loss() => TensorPrimitives.SumOfSquares<double>(Difference().Data) / 2;
        Matrix<double> Difference()
        {
            var w = tuned.ToDense();
            TensorPrimitives.Subtract<double>(w.Data, target.Data, w.Data);
            return w;
        }

        var gradient = Difference();
        var kept = gradient.Clone();
        foreach (var numbers in tuned.Numbers) Array.Fill(numbers.Gradient, double.NaN);     // what stood there before must not matter
        tuned.Adjoint(gradient);
        Assert.Equal(kept.Data.ToArray(), gradient.Data.ToArray());
        Assert.NotEmpty(tuned.Numbers);
        foreach (var numbers in tuned.Numbers)
        {
            double size = Math.Sqrt(TensorPrimitives.SumOfSquares<double>(numbers.Gradient) / numbers.Gradient.Length);
            for (int k = 0; k < numbers.Values.Length; k += Math.Max(1, numbers.Values.Length / 7))
            {
                // The weight is linear in a number, so the loss is a parabola, whose chord has the slope of its middle.
                double value = numbers.Values[k], h = 0.01 * (1 + Math.Abs(value));
                numbers.Values[k] = value + h;
                double above = Loss();
                numbers.Values[k] = value - h;
                double slope = (above - Loss()) / (2 * h);
                numbers.Values[k] = value;
                Assert.Equal(slope, numbers.Gradient[k], 1e-6 * (size + Math.Abs(slope)));
            }
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Taken_apart_and_put_together_it_has_the_same_bytes_and_the_same_weight(string form)
    {
        var layer = LinearContractTests.Samples[form]();
        var tuned = TunedForm<float>.Of(layer);
        Assert.Equal(Bytes(layer), Bytes(tuned.Freeze()));
        var (expected, widened) = (layer.ToDense(), tuned.ToDense());
        float most = Math.Abs(TensorPrimitives.MaxMagnitude<float>(expected.Data));
        // Two-level scales are rounded to float16 only when they are stored.
        float tolerance = form.Contains("two levels", StringComparison.Ordinal) ? 2e-3f : 2e-6f;
        for (int i = 0; i < layer.Rows; i++)
            for (int j = 0; j < layer.Columns; j++) Assert.Equal(expected[i, j], widened[i, j], tolerance * (most + 1));
    }

    [Theory, MemberData(nameof(Forms))]
    public void Tuned_it_comes_nearer_to_a_target_keeps_its_size_and_reads_back(string form)
    {
        var layer = LinearContractTests.Samples[form]();
        var learned = new TunedLayer(layer, 1);
        // Something that the numbers can come near: the layer itself, a tenth larger.
        var (target, weight) = (layer.ToDense(), new Matrix<float>(layer.Rows, layer.Columns));
        TensorPrimitives.Multiply(target.Data, 1.1f, target.Data);
        double Error(Matrix<float> w)
        {
            var d = w.Clone();
            TensorPrimitives.Subtract<float>(d.Data, target.Data, d.Data);
            return TensorPrimitives.SumOfSquares<float>(d.Data) / TensorPrimitives.SumOfSquares<float>(target.Data);
        }

        double before = Error(layer.ToDense());
        for (int step = 1; step <= 40; step++)
        {
            learned.Decode(weight);
            TensorPrimitives.Subtract<float>(weight.Data, target.Data, weight.Data);
            learned.Move(weight, AdamStep.Cosine(step, 40, 0.01));
        }
        var stored = learned.ToLinear();
        Assert.InRange(Error(stored.ToDense()), 0, 0.5 * before);
        Assert.Equal((layer.Format, layer.Bits), (stored.Format, stored.Bits));
        var decoded = new Matrix<float>(layer.Rows, layer.Columns);
        learned.DecodeStored(decoded);
        Assert.Equal(stored.ToDense().Data.ToArray(), decoded.Data.ToArray());
        var tensors = new StoredTensors();
        stored.Save(tensors);
        Assert.Equal(stored.ToDense().Data.ToArray(), stored.Format.Load(tensors, layer.Rows, layer.Columns).ToDense().Data.ToArray());
    }

    private static List<(string, string)> Bytes(Linear layer)
    {
        var tensors = new StoredTensors();
        layer.Save(tensors);
        return [.. tensors.All.Select(t => (t.Name, Convert.ToHexString(t.ReadBytes())))];
    }

    private static Matrix<double> Doubles(int rows, int columns)
    {
        var matrix = new Matrix<double>(rows, columns);
        TensorPrimitives.ConvertChecked<float, double>(Some.Matrix(rows, columns, 5).Data, matrix.Data);
        return matrix;
    }
}
