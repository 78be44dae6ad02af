using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>
/// Turns each head's pairs (i, i + half) by their position: (a, b) ↦ (a c − b s, a s + b c), features beyond the pairs stay. The gradient
/// passes through the transpose.
/// </summary>
internal sealed class RotaryPart<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Matrix<T> _cosine, _sine;     // positions × half
    private readonly int _headSize;

    public RotaryPart(RotarySpec spec, int headSize, int positions, bool longText)
    {
        double[] frequencies = spec.Frequencies(headSize, longText);
        double magnitude = spec.Scaling?.Magnitude ?? 1;
        (_cosine, _sine, _headSize) = (new(positions, frequencies.Length), new(positions, frequencies.Length), headSize);
        for (int p = 0; p < positions; p++)
            for (int i = 0; i < frequencies.Length; i++)
            {
                var (sine, cosine) = Math.SinCos(p * frequencies[i]);
                (_sine[p, i], _cosine[p, i]) = (T.CreateChecked(magnitude * sine), T.CreateChecked(magnitude * cosine));
            }
    }

    /// <summary>The rotation of a block's texts of this length; null where nothing turns.</summary>
    public static RotaryPart<T>? Of(ModelSpec spec, bool windowed, int length) => spec.Rotary is not { } rotary ? null
        : windowed && spec.WindowRotary is { } other ? new(other, spec.HeadSize, length, false)
        : new(rotary, spec.HeadSize, length, length > (spec.RotarySwitch ?? int.MaxValue));

    /// <param name="x">tokens × heads · headSize, sequence after sequence.</param>
    /// <param name="turned">Of the size of x; may not be x.</param>
    /// <param name="back">The transpose.</param>
    public void Turn(Matrix<T> x, Matrix<T> turned, bool back) => RowWise.For(x.Rows, (first, count) =>
    {
        for (int t = first; t < first + count; t++)
        {
            int position = t % _cosine.Rows;
            for (int head = 0; head < x.Columns; head += _headSize)
                Turn(x.Row(t).Slice(head, _headSize), turned.Row(t).Slice(head, _headSize), _cosine.Row(position), _sine.Row(position), back);
        }
    });

    private static void Turn(ReadOnlySpan<T> x, Span<T> y, ReadOnlySpan<T> cosine, ReadOnlySpan<T> sine, bool back)
    {
        int half = cosine.Length;
        for (int i = 0; i < half; i++)
        {
            T c = cosine[i], s = back ? -sine[i] : sine[i], a = x[i], b = x[i + half];
            (y[i], y[i + half]) = (a * c - b * s, a * s + b * c);
        }
        x[(2 * half)..].CopyTo(y[(2 * half)..]);
    }
}
