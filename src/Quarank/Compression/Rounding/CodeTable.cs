namespace Quarank.Compression.Rounding;

/// <summary>Levels of a code that do not lie at even distances, rising.</summary>
internal sealed class CodeTable
{
    private readonly float[] _levels, _borders;

    private CodeTable(float[] levels)
    {
        _levels = levels;
        _borders = [.. levels.Zip(levels.Skip(1), (a, b) => (a + b) / 2)];
    }

    public ReadOnlySpan<float> Levels => _levels;

    /// <summary>
    /// The 2^bits levels with the least squared error for a normal variable of variance 1 (Lloyd 1957, Max 1960): each level is the mean of
    /// what is rounded to it. The errors are 0.3634, 0.1175, 0.0345, 0.0095 at 1 to 4 bits.
    /// </summary>
    /// <exception cref="ArgumentException">Bits outside 1–4.</exception>
    public static CodeTable Normal(int bits) => bits is >= 1 and <= 4 ? Tables[bits - 1] : throw new ArgumentException($"A table of levels has 1 to 4 bits, not {bits}.");

    private static readonly CodeTable[] Tables =
    [
        Mirrored(0.7978846f),
        Mirrored(0.4527800f, 1.5104176f),
        Mirrored(0.2450942f, 0.7560053f, 1.3439093f, 2.1519457f),
        Mirrored(0.1283950f, 0.3880483f, 0.6567591f, 0.9423405f, 1.2562312f, 1.6180464f, 2.0690172f, 2.7325896f),
    ];

    /// <summary>The code whose level is nearest to x; the lower one of two as near.</summary>
    public int Nearest(double x)
    {
        int code = 0;
        foreach (float border in _borders) code += x > border ? 1 : 0;
        return code;
    }

    private static CodeTable Mirrored(params float[] positive) => new([.. positive.Reverse().Select(l => -l), .. positive]);
}
