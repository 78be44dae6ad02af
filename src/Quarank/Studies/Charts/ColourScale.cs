namespace Quarank.Studies.Charts;

/// <summary>From dark to light through one hue after another (viridis, by Smith and Van der Walt, in ten steps): it reads alike for all
/// eyes, on black and on white, and in grey.</summary>
internal static class ColourScale
{
    private static readonly int[] Stops =
        [0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725];

    /// <summary>The colour at a place between 0 and 1.</summary>
    public static string At(double place)
    {
        double at = Math.Clamp(place, 0, 1) * (Stops.Length - 1);
        int i = Math.Min((int)at, Stops.Length - 2);
        int Channel(int shift)
        {
            int a = Stops[i] >> shift & 255, b = Stops[i + 1] >> shift & 255;
            return (int)Math.Round(a + (b - a) * (at - i));
        }
        return $"#{Channel(16):x2}{Channel(8):x2}{Channel(0):x2}";
    }
}
