using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>W ≈ A + B: the two take turns, each made anew for what the other leaves; the best pair met is kept.</summary>
internal static class Alternation
{
    /// <param name="makeA">A for a matrix, and what it stands for; likewise <paramref name="makeB"/>.</param>
    /// <param name="aFirst">A is made for W and B for its error, otherwise the other way round.</param>
    /// <param name="rounds">How often both are made once more.</param>
    /// <param name="loss">Of what a pair leaves.</param>
    public static (TA A, TB B) Best<TA, TB>(Matrix<double> weight, Func<Matrix<double>, (TA, Matrix<double> Values)> makeA,
        Func<Matrix<double>, (TB, Matrix<double> Values)> makeB, bool aFirst, int rounds, Func<Matrix<double>, double> loss)
    {
        (TA Part, Matrix<double> Values)? a = null;
        (TB Part, Matrix<double> Values)? b = null;
        (TA, TB)? best = null;
        double least = double.PositiveInfinity;
        bool aNext = aFirst;
        for (int step = 0; step < 2 + 2 * rounds; step++, aNext = !aNext)
        {
            if (aNext) a = makeA(Left(weight, b?.Values));
            else b = makeB(Left(weight, a?.Values));
            if (a is null || b is null) continue;
            double now = loss(Left(Left(weight, a.Value.Values), b.Value.Values));
            if (now < least || best is null) (least, best) = (now, (a.Value.Part, b.Value.Part));
        }
        return best!.Value;
    }

    private static Matrix<double> Left(Matrix<double> weight, Matrix<double>? part)
    {
        if (part is null) return weight;
        var d = weight.Clone();
        TensorPrimitives.Subtract(d.Data, part.Data, d.Data);
        return d;
    }
}
