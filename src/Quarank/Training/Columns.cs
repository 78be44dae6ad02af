using System.Numerics;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>What one fused matrix gives, taken apart by columns; and gradients put together again.</summary>
internal sealed class Columns<T>(params int[] widths) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Room<T>[] _parts = [.. widths.Select(_ => new Room<T>())];
    private readonly Room<T> _whole = new();

    public Matrix<T>[] Apart(Matrix<T> whole)
    {
        Matrix<T>[] parts = [.. widths.Select((w, i) => _parts[i].Fit(whole.Rows, w))];
        Copy(whole, parts, apart: true);
        return parts;
    }

    public Matrix<T> Together(Matrix<T>[] parts)
    {
        var whole = _whole.Fit(parts[0].Rows, widths.Sum());
        Copy(whole, parts, apart: false);
        return whole;
    }

    private static void Copy(Matrix<T> whole, Matrix<T>[] parts, bool apart) => RowWise.For(whole.Rows, (first, count) =>
    {
        for (int t = first; t < first + count; t++)
        {
            int column = 0;
            foreach (var part in parts)
            {
                var there = whole.Row(t).Slice(column, part.Columns);
                if (apart) there.CopyTo(part.Row(t));
                else part.Row(t).CopyTo(there);
                column += part.Columns;
            }
        }
    });
}
