using Quarank.Compression.Rounding;
using Quarank.Layers;

namespace Quarank.Compression.Methods;

/// <summary>The grid of a hybrid, W ≈ grid + P Q: it rounds what the factors leave, or comes first and the factors mend its error.</summary>
/// <param name="Bits">Bits of a code: 2 to 8, or 1 to 4 with <see cref="CodeLevels.Normal"/>.</param>
/// <param name="GroupSize">Columns that share a scale; 0 = the whole row.</param>
/// <param name="Levels">What its codes stand for.</param>
/// <param name="Range">How the range of each row or group is chosen.</param>
/// <param name="Feedback">Rounded with error feedback, as GPTQ does; otherwise to nearest.</param>
/// <param name="First">The grid is fitted to W and the factors to its error; otherwise the factors to W and the grid to theirs.</param>
/// <param name="Rounds">How often both are then fitted anew, each to what the other leaves; the best pair met is kept.</param>
public sealed record LordqRest(
    int Bits = 2, int GroupSize = 0, CodeLevels Levels = CodeLevels.ZeroPoint, GridRange Range = GridRange.Clip, bool Feedback = true, bool First = false, int Rounds = 0)
{
    internal void Validate(ScaleType scales)
    {
        GridOf(scales);
        if (Rounds < 0) throw new ArgumentException($"Rounds are counted from 0 on, not {Rounds}.");
    }

    /// <exception cref="ArgumentException">Bits, group size and levels do not go together.</exception>
    internal CodeGrid GridOf(ScaleType scales) => CodeGrid.Of(Bits, GroupSize, Levels, Range, scales);
}
