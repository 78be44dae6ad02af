using System.Buffers;

namespace Quarank.Numerics.Kernels;

/// <summary>y = x Wᵀ for a W whose rows are made as they are needed: a panel of them at a time, beside one BLAS call for the panel.</summary>
internal static class RowPanels
{
    private const int Largest = 256;

    /// <summary>Fills <paramref name="rows"/> with rows first … first + count − 1 of W.</summary>
    public delegate void Decode<TWeight>(TWeight weight, int first, int count, Span<float> rows);

    /// <summary>x is tokens × columns, y tokens × rows. Panels depend on the shapes alone.</summary>
    /// <param name="multiple">Of rows that are best decoded together; a multiple of 16, at most 256.</param>
    public static void Multiply<TWeight>(Matrix<float> x, Matrix<float> y, TWeight weight, Decode<TWeight> decode, int multiple = 16)
    {
        BlasLibrary.Ready();
        // At least eight panels of whole cache lines.
        int panel = Math.Clamp((y.Columns / 8 + multiple - 1) / multiple * multiple, multiple, Largest);
        Threads.For((y.Columns + panel - 1) / panel, new Job<TWeight>(x, y, weight, decode, panel), static (i, job) => job.Run(i));
    }

    private readonly record struct Job<TWeight>(Matrix<float> X, Matrix<float> Y, TWeight Weight, Decode<TWeight> Decode, int Panel)
    {
        public void Run(int i)
        {
            int first = i * Panel, count = Math.Min(Panel, Y.Columns - first), columns = X.Columns;
            float[] rented = ArrayPool<float>.Shared.Rent(count * columns);
            Decode(Weight, first, count, rented.AsSpan(0, count * columns));
            LinearAlgebra.Gemm(false, true, X.Rows, count, columns, 1, X.Data, columns, rented, columns, 0, Y.Data[first..], Y.Columns);
            ArrayPool<float>.Shared.Return(rented);
        }
    }
}
