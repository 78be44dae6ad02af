using System.Numerics;

namespace Quarank.Numerics.Hadamard;

/// <summary>Matrices seen in rotated coordinates: W → U W Vᵀ, H → V H Vᵀ, so that tr(W H Wᵀ) stays what it was.</summary>
public static class Incoherence
{
    /// <summary>U W Vᵀ; a side without a rotation stays as it is.</summary>
    public static Matrix<T> Turn<T>(Matrix<T> w, SeededRotation? rows, SeededRotation? columns) where T : unmanaged, INumber<T>
    {
        w = w.Clone();
        columns?.ForwardRows(w);
        if (rows is null) return w;
        w = Transpose(w);
        rows.ForwardRows(w);
        return Transpose(w);
    }

    /// <summary>Uᵀ W V: the inverse.</summary>
    public static Matrix<T> TurnBack<T>(Matrix<T> w, SeededRotation? rows, SeededRotation? columns) where T : unmanaged, INumber<T>
    {
        w = w.Clone();
        columns?.BackwardRows(w);
        if (rows is null) return w;
        w = Transpose(w);
        rows.BackwardRows(w);
        return Transpose(w);
    }

    /// <summary>V H Vᵀ of a symmetric H, symmetric to the last bit.</summary>
    public static Matrix<double> TurnGram(Matrix<double> h, SeededRotation columns)
    {
        var turned = Turn(h, columns, columns);
        LinearAlgebra.Symmetrize(turned);
        return turned;
    }

    /// <summary>Aᵀ, on the pool.</summary>
    public static Matrix<T> Transpose<T>(Matrix<T> a) where T : unmanaged
    {
        const int tile = 32;
        var turned = new Matrix<T>(a.Columns, a.Rows);
        Threads.For((a.Columns + tile - 1) / tile, c =>
        {
            int first = c * tile, end = Math.Min(a.Columns, first + tile);
            for (int from = 0; from < a.Rows; from += tile)
                for (int j = first; j < end; j++)
                {
                    var row = turned.Row(j);
                    for (int i = from; i < Math.Min(a.Rows, from + tile); i++) row[i] = a[i, j];
                }
        });
        return turned;
    }
}
