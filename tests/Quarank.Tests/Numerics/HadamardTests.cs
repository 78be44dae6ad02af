using Quarank.Numerics;
using Quarank.Numerics.Hadamard;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Numerics;

/// <summary>Rotations of every width: orthonormal, undone by their inverse, flat where a Hadamard matrix exists.</summary>
public class HadamardTests
{
    [Theory]
    [InlineData(1, 1), InlineData(2, 1), InlineData(64, 1), InlineData(12, 12), InlineData(20, 20), InlineData(28, 28), InlineData(36, 36)]
    [InlineData(44, 44), InlineData(52, 52), InlineData(60, 60), InlineData(76, 76), InlineData(100, 100), InlineData(344, 344), InlineData(576, 36), InlineData(704, 44)]
    public void Its_matrix_is_Hadamards_and_orthonormal(int size, int factor)
    {
        var transform = HadamardTransform.Of(size);
        Assert.True(transform.IsHadamard);
        Assert.Equal(factor, transform.Factor);
        var g = MatrixOf(transform);
        Assert.All(g.Data.ToArray(), v => Assert.Equal(1 / Math.Sqrt(size), Math.Abs(v), 1e-12));
        Assert.InRange(FromIdentity(LinearAlgebra.MultiplyTransposed(g, g)), 0, 1e-12);
    }

    [Theory, InlineData(3), InlineData(7), InlineData(45), InlineData(70), InlineData(92), InlineData(211), InlineData(422)]
    public void Widths_that_have_no_matrix_take_an_orthonormal_factor_of_even_entries(int size)
    {
        var transform = HadamardTransform.Of(size);
        Assert.False(transform.IsHadamard);
        var g = MatrixOf(transform);
        Assert.All(g.Data.ToArray(), v => Assert.InRange(Math.Abs(v), 0, Math.Sqrt(2.0 / size) + 1e-12));
        Assert.InRange(FromIdentity(LinearAlgebra.MultiplyTransposed(g, g)), 0, 1e-12);
    }

    [Theory, InlineData(576), InlineData(1536), InlineData(704), InlineData(2048), InlineData(5632), InlineData(11008), InlineData(1031)]
    public void Floats_and_doubles_keep_the_norm_come_back_and_agree(int size)
    {
        var rotation = new SignedHadamard(size, 42);
        var x = Some.Matrix(1, size);
        var (singles, doubles) = (x.Row(0).ToArray(), Array.ConvertAll(x.Row(0).ToArray(), v => (double)v));
        rotation.Forward(singles);
        rotation.Forward(doubles);
        double norm = 0, turned = 0;
        for (int i = 0; i < size; i++)
        {
            (norm, turned) = (norm + (double)x[0, i] * x[0, i], turned + doubles[i] * doubles[i]);
            Assert.Equal(doubles[i], singles[i], 2e-6); // sums of up to 5632 floats of size 1/√n each
        }
        Assert.Equal(norm, turned, 1e-11 * norm);
        rotation.Backward(singles);
        rotation.Backward(doubles);
        for (int i = 0; i < size; i++)
        {
            Assert.Equal(x[0, i], doubles[i], 1e-12);
            Assert.Equal(x[0, i], singles[i], 4e-6);
        }
    }

    [Fact]
    public void The_output_of_a_layer_and_its_loss_do_not_see_the_rotation()
    {
        var problem = Some.Problem(70, 96);
        var (w, h) = (new Matrix<double>(70, 96, Array.ConvertAll(problem.Weight.Data.ToArray(), v => (double)v)), problem.Inputs.Gram);
        var (rows, columns) = (new SignedHadamard(70, 1), new SignedHadamard(96, 2));
        var (turned, gram) = (Incoherence.Turn(w, rows, columns), Incoherence.TurnGram(h, columns));
        double Trace(Matrix<double> a, Matrix<double> b) => LinearAlgebra.Trace(LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(a, b), a));
        Assert.Equal(Trace(w, h), Trace(turned, gram), 1e-10 * Trace(w, h));
        var back = Incoherence.TurnBack(turned, rows, columns);
        for (int i = 0; i < w.Data.Length; i++) Assert.Equal(w.Data[i], back.Data[i], 1e-12);
    }

    [Fact]
    public void A_seed_says_the_signs_and_another_seed_others()
    {
        float[] Turned(long seed)
        {
            var x = Some.Matrix(1, 128).Row(0).ToArray();
            new SignedHadamard(128, seed).Forward(x);
            return x;
        }
        Assert.Equal(Turned(3), Turned(3));
        Assert.NotEqual(Turned(3), Turned(4));
    }

    [Fact]
    public void One_vector_allocates_nothing()
    {
        var (rotation, x) = (new SignedHadamard(576, 1), new float[576]);
        rotation.Forward(x);
        rotation.Backward(x);
        long before = GC.GetAllocatedBytesForCurrentThread();
        rotation.Forward(x);
        rotation.Backward(x);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static Matrix<double> MatrixOf(HadamardTransform transform)
    {
        var columns = new Matrix<double>(transform.Size, transform.Size);
        for (int i = 0; i < transform.Size; i++)
        {
            columns[i, i] = 1;
            transform.Forward(columns.Row(i));
        }
        return Incoherence.Transpose(columns);
    }

    private static double FromIdentity(Matrix<double> m)
    {
        double worst = 0;
        for (int i = 0; i < m.Rows; i++)
            for (int j = 0; j < m.Columns; j++) worst = Math.Max(worst, Math.Abs(m[i, j] - (i == j ? 1 : 0)));
        return worst;
    }
}
