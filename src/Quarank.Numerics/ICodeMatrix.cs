namespace Quarank.Numerics;

/// <summary>A matrix of codes that has kernels of its own.</summary>
public interface ICodeMatrix
{
    /// <summary>Rows <paramref name="first"/> … as floats; <paramref name="rows"/> holds count × columns values.</summary>
    void DecodeRows(int first, int count, Span<float> rows);

    /// <summary>y = W x in floats, on the pool.</summary>
    void MultiplyFloat(ReadOnlySpan<float> x, Span<float> y);

    /// <summary>y = W x̂ with x̂ the input in signed bytes, on the pool.</summary>
    void Multiply(ReadOnlySpan<float> x, Span<float> y);

    /// <summary>What <see cref="Multiply(ReadOnlySpan{float}, Span{float})"/> sees in place of x.</summary>
    void Round(ReadOnlySpan<float> x, Span<float> rounded);

    /// <summary>y = x Wᵀ, a token a row, on the pool.</summary>
    void Multiply(Matrix<float> x, Matrix<float> y);
}
