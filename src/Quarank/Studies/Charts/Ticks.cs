namespace Quarank.Studies.Charts;

/// <summary>A round value on an axis; <paramref name="Label"/> is empty for the small marks between the powers of ten.</summary>
internal readonly record struct Tick(double Value, string Label);

/// <summary>Round numbers for an axis: steps of 1, 2 or 5 times a power of ten, or powers of ten.</summary>
internal static class Ticks
{
    /// <summary>About <paramref name="count"/> labelled ticks (2 at least, where the range holds them) between two values.</summary>
    public static IReadOnlyList<Tick> Linear(double from, double to, int count, Func<double, int, string> label)
    {
        double raw = (to - from) / Math.Max(1, count);
        double power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = new[] { 1d, 2, 5, 10 }.Select(f => f * power).First(s => s >= raw * 0.999);
        int decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9));
        var ticks = new List<Tick>();
        for (double i = Math.Ceiling(from / step - 1e-9); i * step <= to + step * 1e-9; i++)
            ticks.Add(new(i * step, label(i * step, decimals)));
        return ticks;
    }

    public static IReadOnlyList<Tick> Logarithmic(double from, double to, int count, Func<double, int, string> label)
    {
        double decades = Math.Log10(to / from);
        if (decades < 0.7) return Linear(from, to, count, label);
        int first = (int)Math.Floor(Math.Log10(from) + 1e-9), last = (int)Math.Ceiling(Math.Log10(to) - 1e-9);
        double[] within = decades * 3 <= count ? [1, 2, 5] : decades * 2 <= count ? [1, 3] : [1];
        int stride = Math.Max(1, (int)Math.Ceiling(decades / Math.Max(1, count)));
        bool powers = last > 5 || first < -3;
        var ticks = new List<Tick>();
        for (int e = first; e <= last; e++)
        {
            for (int m = 1; m <= 9; m++)
            {
                double value = m * Math.Pow(10, e);
                if (value < from * (1 - 1e-9) || value > to * (1 + 1e-9)) continue;
                bool named = within.Contains(m) && (within.Length > 1 || e % stride == 0);
                if (named) ticks.Add(new(value, powers ? (m == 1 ? "" : $"{m}×") + NumberText.TenTo(e) : label(value, Math.Max(0, -e))));
                else if (stride == 1 && decades < 9) ticks.Add(new(value, ""));
            }
        }
        return ticks;
    }
}
