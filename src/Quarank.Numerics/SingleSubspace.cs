using System.Numerics.Tensors;

namespace Quarank.Numerics;

/// <summary>
/// The top eigenvectors of a Gram matrix found in float, which costs half of double, and put right in double: made orthonormal, and turned
/// into the best factors that their subspace holds.
/// </summary>
/// <remarks>
/// Float rounds G at <see cref="Rounding"/> of its largest eigenvalue λ. That tilts the subspace, and the energy lost by it is of second
/// order where eigenvalues are apart and below the rounding where they are not; against the squared error that the rank leaves it is nothing,
/// unless one direction towers above all others (a massive activation). So what is found is accepted only if the squared error is at least
/// <see cref="LeastError"/> · λ; else the caller solves in double.
/// </remarks>
internal static class SingleSubspace
{
    /// <summary>Smaller orders gain nothing.</summary>
    public const int SmallestOrder = 160;

    private const double LeastError = 1e-2;

    /// <param name="a">m × n.</param>
    /// <param name="wide">Whether the rows are the smaller side.</param>
    /// <param name="energy">‖a‖², above 0.</param>
    /// <returns>rank × smaller side orthonormal rows E, and what a makes of them (E a or E aᵀ, orthogonal rows); null where float is not enough.</returns>
    public static (Matrix<double> Vectors, Matrix<double> Images)? TryFind(Matrix<double> a, bool wide, int rank, double energy)
    {
        // A power of two brings the entries near 1, so that no square leaves float's range.
        double scale = Math.ScaleB(1, -(int)Math.Round(Math.Log2(energy / a.Data.Length) / 2));
        if (!double.IsNormal(scale)) return null;
        var x = new Matrix<float>(a.Rows, a.Columns);
        for (int i = 0; i < a.Rows; i++)
        {
            var row = x.Row(i);
            TensorPrimitives.ConvertSaturating<double, float>(a.Row(i), row);
            TensorPrimitives.Multiply(row, (float)scale, row);
        }
        var gram = wide ? LinearAlgebra.Syrk(x) : LinearAlgebra.SyrkTransposed(x);
        var found = SymmetricEigen.Top(gram, rank).Vectors;

        var vectors = new Matrix<double>(rank, found.Columns);
        TensorPrimitives.ConvertChecked<float, double>(found.Data, vectors.Data);
        if (!LinearAlgebra.TryCholesky(LinearAlgebra.Syrk(vectors), out var lower, out _)) return null;
        LinearAlgebra.SolveLower(lower, vectors);

        var images = wide ? LinearAlgebra.Multiply(vectors, a) : LinearAlgebra.MultiplyTransposed(vectors, a);
        var ritz = SymmetricEigen.All(LinearAlgebra.Syrk(images));
        double captured = TensorPrimitives.Sum<double>(ritz.Values);
        if (!(energy - captured >= LeastError * ritz.Values[0])) return null;
        return (LinearAlgebra.Multiply(ritz.Vectors, vectors), LinearAlgebra.Multiply(ritz.Vectors, images));
    }
}
