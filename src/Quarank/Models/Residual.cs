using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>The norms around one half f of a block: h ← sum(h + output(f(input(h)))). See <see cref="NormPlacement"/> for those that are there.</summary>
internal sealed record Residual(Norm? Input, Norm? Output, Norm? Sum)
{
    /// <summary>What the half reads: <paramref name="normed"/>, filled, or the states themselves.</summary>
    public Matrix<float> Enter(Matrix<float> hidden, Matrix<float> normed)
    {
        if (Input is null) return hidden;
        Input.Apply(hidden, normed);
        return normed;
    }

    /// <summary>Adds what the half gave to the states; <paramref name="result"/> is spent.</summary>
    public void Leave(Matrix<float> hidden, Matrix<float> result)
    {
        Output?.Apply(result, result);
        RowWise.Add(hidden, result);
        Sum?.Apply(hidden, hidden);
    }
}
