using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>One factor of a product while it is quantized: count vectors of some length, with their codes or as half floats.</summary>
/// <param name="grid">How vectors are rounded; null keeps half floats.</param>
internal sealed class FactorCodes(CodeGrid? grid, int count, int length)
{
    private readonly GridCodes? _codes = grid is null ? null : new GridCodes(grid, count, length);

    /// <summary>What is kept, as it will be decoded: a vector a row.</summary>
    public Matrix<double> Values { get; } = new(count, length);

    /// <summary>Another of the same kind, with nothing rounded yet.</summary>
    public FactorCodes Anew() => new(grid, count, length);

    /// <summary>Rounds vector k.</summary>
    public void Round(int k, ReadOnlySpan<double> vector)
    {
        var kept = Values.Row(k);
        if (_codes is null)
        {
            for (int j = 0; j < length; j++) kept[j] = (double)(Half)vector[j];
            return;
        }
        _codes.RoundRow(k, vector);
        _codes.Decode(k, kept);
    }

    /// <summary>Rounds every vector.</summary>
    public void RoundAll(Matrix<double> vectors) => Threads.For(count, k => Round(k, vectors.Row(k)));

    /// <summary>Rounds every vector from its first entry to its last, the error of each entry fed to those after it as <paramref name="feedback"/> says.</summary>
    /// <param name="feedback">Length × length, of <see cref="FeedbackFactor"/>.</param>
    public void RoundAlong(Matrix<double> vectors, Matrix<float> feedback)
    {
        if (_codes is null)
        {
            RoundAll(vectors); // half floats have no error worth feeding on
            return;
        }
        new FeedbackRounding(feedback).Round(vectors, _codes);
        Threads.For(count, k => _codes.Decode(k, Values.Row(k)));
    }

    /// <summary>Stacked factors, a vector a row: Σ counts × length.</summary>
    public static Linear ToRows(IReadOnlyList<FactorCodes> parts) =>
        parts[0]._codes is null ? Halves(parts, false) : GridCodes.Stack([.. parts.Select(p => p._codes!)]).ToLinear();

    /// <summary>Factors side by side, a vector a column: length × Σ counts.</summary>
    public static Linear ToColumns(IReadOnlyList<FactorCodes> parts) =>
        parts[0]._codes is null ? Halves(parts, true) : GridCodes.Stack([.. parts.Select(p => p._codes!)]).Transposed().ToLinear();

    private static DenseLinear Halves(IReadOnlyList<FactorCodes> parts, bool turned)
    {
        int rank = parts.Sum(p => p.Values.Rows), length = parts[0].Values.Columns, k = 0;
        var halves = new ushort[checked(rank * length)];
        foreach (var part in parts)
            for (int i = 0; i < part.Values.Rows; i++, k++)
                for (int j = 0; j < length; j++)
                    halves[turned ? j * rank + k : k * length + j] = BitConverter.HalfToUInt16Bits((Half)part.Values[i, j]);
        return turned ? DenseLinear.OfHalves(length, rank, halves) : DenseLinear.OfHalves(rank, length, halves);
    }
}
