using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics.Kernels;

namespace Quarank.Compression.Rounding;

/// <summary>
/// One grid: value = scale · (code − zero) + offset, code = 0 … maxCode; with a table, value = scale · level[code]. Scale and offset are exact in the
/// type they are stored in.
/// </summary>
internal readonly record struct ScalarGrid(double Scale, int Zero, double Offset, int MaxCode, CodeTable? Table = null)
{
    private const int ClipSteps = 80;

    /// <summary>Of scales of two levels: the integers that scale and offset are stored as.</summary>
    public (byte Scale, byte Offset) Codes { get; init; }

    /// <summary>The code whose value is nearest to w; ties of w / scale go to the even neighbour (of a table's levels to the lower).</summary>
    public int Code(double w)
    {
        if (Scale == 0) return Zero;
        return Table is null ? (int)Math.Clamp(Math.Round((w - Offset) / Scale) + Zero, 0, MaxCode) : Table.Nearest(w / Scale);
    }

    public double Value(int code) => Table is null ? Scale * (code - Zero) + Offset : Scale * Table.Levels[code];

    /// <summary>What rounding adds to each of some weights.</summary>
    public void Errors(ReadOnlySpan<float> weights, Span<float> errors)
    {
        if (Table is not null || Scale == 0)
        {
            for (int j = 0; j < weights.Length; j++) errors[j] = (float)(Value(Code(weights[j])) - weights[j]);
            return;
        }
        float offset = (float)Offset;
        TensorPrimitives.Subtract(weights, offset, errors);
        TensorPrimitives.Multiply(errors, (float)(1 / Scale), errors);
        TensorPrimitives.Round<float>(errors, errors);
        TensorPrimitives.Max(errors, -Zero, errors);
        TensorPrimitives.Min(errors, MaxCode - Zero, errors);
        TensorPrimitives.Multiply(errors, (float)Scale, errors);
        if (offset != 0) TensorPrimitives.Add(errors, offset, errors);
        TensorPrimitives.Subtract(errors, weights, errors);
    }

    /// <summary>The grid from one end to the other; of a grid without offsets, around zero to the larger end.</summary>
    public static ScalarGrid Spanning(GridFormat format, double min, double max)
    {
        var (low, high) = Ends(format, min, max);
        return Of(format, null, low, high);
    }

    /// <summary>The ends of the min–max range as the format can have them.</summary>
    public static (double Min, double Max) Ends(GridFormat format, ReadOnlySpan<double> values) =>
        Ends(format, TensorPrimitives.Min(values), TensorPrimitives.Max(values));

    /// <summary>The same scale with an offset as near to <paramref name="offset"/> as can be stored.</summary>
    public static ScalarGrid WithOffset(GridFormat format, ScalarGrid grid, double offset) => grid with { Offset = Stored(format, offset) };

    private static (double Min, double Max) Ends(GridFormat format, double min, double max)
    {
        if (format.Offset == GridOffset.Number) return (min, max);
        (min, max) = (Math.Min(0, min), Math.Max(0, max));
        if (min == 0 && max == 0) (min, max) = (-1, 1);
        return format.Offset == GridOffset.None ? (-Math.Max(-min, max), Math.Max(-min, max)) : (min, max);
    }

    /// <summary>
    /// Fits a grid. One with an integer (or no) zero-point holds zero, as GPTQ's does; one with a number offset runs exactly from the smallest
    /// to the largest value (LoRDQ's Eq. 21), or, clipped, from and to a share of them.
    /// </summary>
    public static ScalarGrid Fit(GridFormat format, GridRange range, ReadOnlySpan<double> values, CodeTable? table = null)
    {
        if (range.NeedsGram()) throw new ArgumentException($"The range {range} is chosen for a whole layer, not for some numbers alone.");
        var (min, max) = Ends(format, values);
        if (range == GridRange.MinMax || max <= min) return Of(format, table, min, max);
        if (range == GridRange.HalfQuadratic) return HalfQuadratic.Solve(format, Of(format, null, min, max), values);
        return table is null ? BestClip(format, min, max, values) : BestTableClip(format, table, max, values);
    }

    private static ScalarGrid Of(GridFormat format, CodeTable? table, double min, double max)
    {
        if (table is not null) return new(StoredScale(format, max / table.Levels[^1]), 0, 0, format.MaxCode, table);
        if (format.Offset == GridOffset.Number)
            return new(max > min ? StoredScale(format, (max - min) / format.MaxCode) : 0, 0, Stored(format, min), format.MaxCode);
        double scale = StoredScale(format, (max - min) / format.MaxCode);
        int zero = format.Offset == GridOffset.None ? 1 << (format.Bits - 1) : (int)Math.Clamp(Math.Round(-min / scale), 0, format.MaxCode);
        return new(scale, zero, 0, format.MaxCode);
    }

    private static ScalarGrid BestClip(GridFormat format, double min, double max, ReadOnlySpan<double> values)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(2 * values.Length);
        var w = rented.AsSpan(0, values.Length);
        var moved = rented.AsSpan(values.Length, values.Length);
        TensorPrimitives.ConvertSaturating(values, w);

        var (best, least) = (default(ScalarGrid), float.PositiveInfinity);
        for (int i = 0; i < ClipSteps; i++)
        {
            double shrink = 1 - i / 100.0;
            var grid = Of(format, null, shrink * min, shrink * max);
            bool number = format.Offset == GridOffset.Number;
            if (number) TensorPrimitives.Subtract(w, (float)grid.Offset, moved);
            float sum = ClipKernels.PowerError(number ? moved : w, (float)grid.Scale, (float)(1 / grid.Scale), -grid.Zero, grid.MaxCode - grid.Zero, least);
            if (sum < least) (best, least) = (grid, sum);
        }
        ArrayPool<float>.Shared.Return(rented);
        return best;
    }

    // Every fourth step first, then those beside the best of them.
    private static ScalarGrid BestTableClip(GridFormat format, CodeTable table, double max, ReadOnlySpan<double> values)
    {
        var (best, least, at) = (default(ScalarGrid), double.PositiveInfinity, 0);
        void Try(int step, ReadOnlySpan<double> values)
        {
            var grid = Of(format, table, -max, max * (1 - step / 100.0));
            double sum = 0;
            foreach (double v in values)
            {
                double e = grid.Value(grid.Code(v)) - v;
                sum += e * e;
            }
            if (sum < least) (best, least, at) = (grid, sum, step);
        }

        for (int step = 0; step < ClipSteps; step += 4) Try(step, values);
        int middle = at;
        for (int step = Math.Max(0, middle - 3); step < Math.Min(ClipSteps, middle + 4); step++)
            if (step != middle) Try(step, values);
        return best;
    }

    private static double Stored(GridFormat format, double value) => format.Scales == ScaleType.Bits16 ? (double)(Half)value : (float)value;

    // A scale that float16 would flush to zero is kept at its smallest number, so that a code still means something.
    private static double StoredScale(GridFormat format, double scale) => Math.Max(Stored(format, scale), format.Scales == ScaleType.Bits16 ? (double)Half.Epsilon : float.Epsilon);
}
