namespace Quarank.Compression.Methods;

/// <summary>Ranks from bits: each layer's own largest rank within the same bits per weight, which is the same ratio of kept parameters in all.</summary>
internal static class FactorBudget
{
    private const double MostFilling = 1.3;

    /// <summary>The largest rank whose factors take at most so many bits; 0 if not even one component does.</summary>
    public static int LargestRank(Lordq style, LayerShape layer, double bits)
    {
        var (low, high) = (0, Math.Min(layer.Rows, layer.Columns));
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (style.BitsOf(layer, middle) <= bits) low = middle;
            else high = middle - 1;
        }
        return low;
    }

    /// <summary>Ranks are whole, so that layers that get what they may leave some over: the bits per weight of a layer with which all together stay within theirs.</summary>
    /// <param name="bits">What a layer takes when it may have so many bits per weight.</param>
    public static double Filled(double bitsPerWeight, IReadOnlyList<LayerShape> layers, Func<LayerShape, double, long> bits)
    {
        double budget = bitsPerWeight * layers.Sum(l => (double)l.Rows * l.Columns), low = bitsPerWeight, high = MostFilling * bitsPerWeight;
        for (int i = 0; i < 40; i++)
        {
            double middle = (low + high) / 2;
            if (layers.Sum(l => bits(l, middle)) <= budget) low = middle;
            else high = middle;
        }
        return low;
    }

    /// <summary>Whether a method's planned bits are near to what was asked for and not above it.</summary>
    public static bool Meets(Method method, double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        layers.Sum(method.PlannedBits) / (bitsPerWeight * layers.Sum(l => (double)l.Rows * l.Columns)) is >= 0.9 and <= 1 + Method.Excess;
}
