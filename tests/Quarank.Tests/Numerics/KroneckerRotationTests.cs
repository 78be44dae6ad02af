using Quarank.Numerics;
using Quarank.Numerics.Hadamard;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>Rotations by Kronecker products, against what every rotation keeps.</summary>
public class KroneckerRotationTests
{
    [Theory, InlineData(1), InlineData(7), InlineData(36), InlineData(96), InlineData(192), InlineData(576)]
    public void Forward_and_back_gives_the_vector_back_and_keeps_its_length(int size)
    {
        var rotation = new KroneckerRotation(size, 5);
        double[] x = [.. Some.Matrix(1, size).Row(0).ToArray().Select(v => (double)v)], y = [.. x];
        rotation.Forward(y.AsSpan());
        Assert.Equal(x.Sum(v => v * v), y.Sum(v => v * v), 1e-9 * size);
        if (size > 1) Assert.NotEqual(x, y);
        float[] single = [.. x.Select(v => (float)v)];
        rotation.Forward(single.AsSpan());
        for (int i = 0; i < size; i++) Assert.Equal(y[i], single[i], 1e-5);
        rotation.Backward(y.AsSpan());
        rotation.Backward(single.AsSpan());
        for (int i = 0; i < size; i++)
        {
            Assert.Equal(x[i], y[i], 1e-12 * size);
            Assert.Equal(x[i], single[i], 1e-5);
        }
    }

    // tr(W_r H_r W_rᵀ) = tr(W H Wᵀ), spec §10.1.
    [Fact]
    public void The_loss_is_the_same_in_its_coordinates()
    {
        var problem = Some.Problem(24, 40);
        var (rows, columns) = (new KroneckerRotation(24, 1), new KroneckerRotation(40, 2));
        var w = Incoherence.Turn(problem.Weight, rows, columns);
        double before = LinearAlgebra.QuadraticTrace(problem.Weight, problem.Inputs.Gram), after = LinearAlgebra.QuadraticTrace(w, Incoherence.TurnGram(problem.Inputs.Gram, columns));
        Assert.Equal(before, after, 1e-5 * before);
        var back = Incoherence.TurnBack(w, rows, columns);
        for (int i = 0; i < w.Data.Length; i++) Assert.Equal(problem.Weight.Data[i], back.Data[i], 1e-5);
    }

    [Fact]
    public void A_size_takes_the_divisors_nearest_to_its_root_and_another_seed_another_rotation()
    {
        Assert.Equal([24, 12, 32, 1], ((int[])[576, 192, 1536, 31]).Select(n => new KroneckerRotation(n, 0).Left));
        float[] a = new float[36], b = new float[36], c = new float[36];
        a[0] = b[0] = c[0] = 1;
        new KroneckerRotation(36, 3).Forward(a);
        new KroneckerRotation(36, 3).Forward(b);
        new KroneckerRotation(36, 4).Forward(c);
        Assert.Equal(a, b);
        Assert.NotEqual(a, c);
    }
}
