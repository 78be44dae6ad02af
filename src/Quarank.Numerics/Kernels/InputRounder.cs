using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>Rounds vectors on an <see cref="InputGrid"/> (round half to even, as spec §1.3's Q-QuaRot, Q-SmoothQuant and per-token grids do).</summary>
public sealed class InputRounder
{
    private readonly float _clip, _min, _max;

    private InputRounder(InputGrid grid, float clip, float min, float max)
    {
        grid.Validate();
        (Grid, _clip, _min, _max) = (grid, clip, min, max);
    }

    public InputGrid Grid { get; }

    /// <summary>A range of its own for every token, or group of one.</summary>
    /// <param name="clip">Which part of the range is kept, above 0 and at most 1; what lies beyond it becomes the outermost code.</param>
    public static InputRounder Dynamic(InputGrid grid, float clip = 1)
    {
        if (grid.Static) throw new ArgumentException("A static grid needs its range.", nameof(grid));
        if (!(clip is > 0 and <= 1)) throw new ArgumentException($"A clip ratio is above 0 and at most 1, not {clip}.", nameof(clip));
        return new(grid, clip, 0, 0);
    }

    /// <summary>One range for all tokens.</summary>
    public static InputRounder Static(InputGrid grid, float min, float max)
    {
        if (!grid.Static) throw new ArgumentException("Only a static grid has a given range.", nameof(grid));
        if (!(min <= max && float.IsFinite(min) && float.IsFinite(max))) throw new ArgumentException($"{min} … {max} is no range.", nameof(min));
        return new(grid, 1, min, max);
    }

    /// <summary>The numbers beside the grid that must be stored: the clip ratio, or the ends of a static range.</summary>
    public float[] Numbers => Grid.Static ? [_min, _max] : [_clip];

    /// <summary>As <see cref="Numbers"/> had them.</summary>
    /// <exception cref="ArgumentException">They are too few, too many, or no range.</exception>
    public static InputRounder Of(InputGrid grid, float[] numbers) => (grid.Static, numbers) switch
    {
        (false, [var clip]) => Dynamic(grid, clip),
        (true, [var min, var max]) => Static(grid, min, max),
        _ => throw new ArgumentException($"A {(grid.Static ? "static" : "dynamic")} range has {(grid.Static ? 2 : 1)} numbers, not {numbers.Length}.", nameof(numbers)),
    };

    /// <summary>What <paramref name="x"/> is rounded to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Round(ReadOnlySpan<float> x, Span<float> rounded)
    {
        Span<sbyte> codes = stackalloc sbyte[128];
        int size = Grid.GroupSize == 0 ? x.Length : Grid.GroupSize;
        for (int first = 0; first < x.Length; first += size)
        {
            int end = Math.Min(first + size, x.Length);
            var (scale, zero) = ScaleOf(x[first..end]);
            for (int j = first; j < end; j += codes.Length)
            {
                int count = Math.Min(codes.Length, end - j);
                Codes(x.Slice(j, count), scale, zero, codes[..count]);
                for (int k = 0; k < count; k++) rounded[j + k] = scale * (codes[k] - zero);
            }
        }
    }

    /// <summary>Whether there may be values beyond the range, which become its outermost code.</summary>
    public bool Clamps => Grid.Static || _clip < 1;

    /// <summary>Clears what belongs to values that lie beyond the range by more than half a step: there the rounded value does not move with them.</summary>
    /// <param name="slopes">One for each of <paramref name="x"/>.</param>
    public void ClearBeyond(ReadOnlySpan<float> x, Span<float> slopes)
    {
        int size = Grid.GroupSize == 0 ? x.Length : Grid.GroupSize;
        var (low, high) = Grid.Codes;
        for (int first = 0; first < x.Length; first += size)
        {
            int end = Math.Min(first + size, x.Length);
            var (scale, zero) = ScaleOf(x[first..end]);
            float least = scale * (low - zero - 0.5f), most = scale * (high - zero + 0.5f);
            for (int j = first; j < end; j++)
                if (x[j] < least || x[j] > most) slopes[j] = 0;
        }
    }

    /// <summary>Scale and zero of a group's values. A scale of 0 stands for zeros; one that is not a number for values that are none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal (float Scale, int Zero) ScaleOf(ReadOnlySpan<float> x)
    {
        var (low, high) = Grid.Codes;
        if (Grid.Symmetric)
        {
            float most = Grid.Static ? Math.Max(Math.Abs(_min), Math.Abs(_max)) : _clip * TensorPrimitives.MaxMagnitude(x);
            return (Usable(Math.Abs(most) / high), 0);
        }
        float min = Math.Min(0, Grid.Static ? _min : _clip * TensorPrimitives.Min(x)), max = Math.Max(0, Grid.Static ? _max : _clip * TensorPrimitives.Max(x));
        float scale = Usable((max - min) / (high - low));
        return (scale, float.IsNaN(scale) || scale == 0 ? 0 : (int)Math.Clamp(MathF.Round(-min / scale) + low, low, high));
    }

    // Too small a scale has no inverse; values that are not finite must not come out as finite ones.
    private static float Usable(float scale) => !float.IsFinite(scale) ? float.NaN : float.IsFinite(1 / scale) ? scale : 0;

    /// <summary>The codes of values on that scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Codes(ReadOnlySpan<float> x, float scale, int zero, Span<sbyte> codes)
    {
        var (low, high) = Grid.Codes;
        if (float.IsNaN(scale) || scale == 0)
        {
            codes.Clear();
            return;
        }
        float inverse = 1 / scale;
        int j = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            var (times, move) = (Vector256.Create(inverse), Vector256.Create((float)zero));
            var (least, most) = (Vector256.Create((float)low), Vector256.Create((float)high));
            for (; j + 32 <= x.Length; j += 32)
            {
                var a = Vector256.Narrow(Eight(x[j..]), Eight(x[(j + 8)..]));
                var b = Vector256.Narrow(Eight(x[(j + 16)..]), Eight(x[(j + 24)..]));
                Vector256.Narrow(a, b).CopyTo(codes[j..]);
            }

            Vector256<int> Eight(ReadOnlySpan<float> from) =>
                Vector256.ConvertToInt32(Vector256.Min(most, Vector256.Max(least, Vector256.Round(Vector256.Create(from) * times) + move)));
        }
        for (; j < x.Length; j++) codes[j] = (sbyte)Math.Clamp(MathF.Round(x[j] * inverse) + zero, low, high);
    }
}
