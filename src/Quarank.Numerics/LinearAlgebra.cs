namespace Quarank.Numerics;

/// <summary>The dense linear algebra the methods need, on top of OpenBLAS.</summary>
public static class LinearAlgebra
{
    /// <summary>a · bᵀ, on the pool. a is m × k, b is n × k.</summary>
    public static Matrix<float> MultiplyTransposed(Matrix<float> a, Matrix<float> b)
    {
        var c = new Matrix<float>(a.Rows, b.Rows);
        MultiplyTransposed(a, b, c);
        return c;
    }

    /// <summary>c = a · bᵀ, on the pool. a is m × k, b is n × k, c is m × n.</summary>
    public static void MultiplyTransposed(Matrix<float> a, Matrix<float> b, Matrix<float> c) =>
        Threads.For(a.Rows, i =>
        {
            for (int j = 0; j < b.Rows; j++) c[i, j] = System.Numerics.Tensors.TensorPrimitives.Dot<float>(a.Row(i), b.Row(j));
        });
}
