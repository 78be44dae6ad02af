namespace Quarank.Compression.Rounding;

/// <summary>Single columns to 2^bits levels one apart around zero: ± 1/2, ± 3/2, …</summary>
internal sealed class EvenLevels(int bits) : IBlockRounder
{
    private readonly float _outer = ((1 << bits) - 1) / 2f;

    public int Width => 1;
    public int Rows => 1;
    public int Choices => 1;
    public bool Weighs => true;

    public void Round(ReadOnlySpan<float> target, int stride, int count, ReadOnlySpan<float> root, Span<float> values, Span<ulong> codes)
    {
        for (int r = 0; r < count; r++)
        {
            float code = MathF.Round(Math.Clamp(target[r], -_outer, _outer) + _outer);
            (values[r], codes[r]) = (code - _outer, (ulong)code);
        }
    }
}
