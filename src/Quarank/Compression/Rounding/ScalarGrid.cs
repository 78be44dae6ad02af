using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics.Kernels;

namespace Quarank.Compression.Rounding;

/// <summary>One uniform grid: value = scale · (code − zero) + offset, code = 0 … maxCode. Scale and offset are exact in the type they are stored in.</summary>
internal readonly record struct ScalarGrid(double Scale, int Zero, double Offset, int MaxCode)
{
    private const int ClipSteps = 80;

    /// <summary>The code whose value is nearest to w; ties of w / scale go to the even neighbour.</summary>
    public int Code(double w) => Scale == 0 ? Zero : (int)Math.Clamp(Math.Round((w - Offset) / Scale) + Zero, 0, MaxCode);

    public double Value(int code) => Scale * (code - Zero) + Offset;

    /// <summary>Fits a grid with an integer (or no) zero-point, as GPTQ does.</summary>
    public static ScalarGrid Fit(GridFormat format, GridRange range, ReadOnlySpan<double> weights)
    {
        double min = Math.Min(0, TensorPrimitives.Min(weights)), max = Math.Max(0, TensorPrimitives.Max(weights));
        if (min == 0 && max == 0) (min, max) = (-1, 1);
        if (format.Offset == GridOffset.None) (min, max) = (-Math.Max(-min, max), Math.Max(-min, max));
        return range == GridRange.MinMax ? Of(format, min, max) : BestClip(format, min, max, weights);
    }

    /// <summary>LoRDQ's grid of a factor's vector (Eq. 21): exactly from its smallest to its largest entry, the offset being a number.</summary>
    public static ScalarGrid FitMinMax(GridFormat format, ReadOnlySpan<double> vector)
    {
        double min = TensorPrimitives.Min(vector), max = TensorPrimitives.Max(vector);
        return new(max > min ? StoredScale(format, (max - min) / format.MaxCode) : 0, 0, Stored(format, min), format.MaxCode);
    }

    private static ScalarGrid Of(GridFormat format, double min, double max)
    {
        double scale = StoredScale(format, (max - min) / format.MaxCode);
        int zero = format.Offset == GridOffset.None ? 1 << (format.Bits - 1) : (int)Math.Clamp(Math.Round(-min / scale), 0, format.MaxCode);
        return new(scale, zero, 0, format.MaxCode);
    }

    private static ScalarGrid BestClip(GridFormat format, double min, double max, ReadOnlySpan<double> weights)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(weights.Length);
        var w = rented.AsSpan(0, weights.Length);
        TensorPrimitives.ConvertSaturating(weights, w);

        var (best, least) = (default(ScalarGrid), float.PositiveInfinity);
        for (int i = 0; i < ClipSteps; i++)
        {
            double shrink = 1 - i / 100.0;
            var grid = Of(format, shrink * min, shrink * max);
            float sum = ClipKernels.PowerError(w, (float)grid.Scale, (float)(1 / grid.Scale), -grid.Zero, grid.MaxCode - grid.Zero);
            if (sum < least) (best, least) = (grid, sum);
        }
        ArrayPool<float>.Shared.Return(rented);
        return best;
    }

    private static double Stored(GridFormat format, double value) => format.Scales == ScaleType.Bits16 ? (double)(Half)value : (float)value;

    // A scale that float16 would flush to zero is kept at its smallest number, so that a code still means something.
    private static double StoredScale(GridFormat format, double scale) => Math.Max(Stored(format, scale), format.Scales == ScaleType.Bits16 ? (double)Half.Epsilon : float.Epsilon);
}
