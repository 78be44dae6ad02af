namespace Quarank.Numerics.Hadamard;

/// <summary>
/// Hadamard matrices of Paley (1933): order q + 1 for a prime power q ≡ 3 (mod 4), order 2 (q + 1) for q ≡ 1 (mod 4). All entries are ±1 and
/// M Mᵀ = order · I.
/// </summary>
internal static class PaleyMatrix
{
    /// <summary>A matrix of this order, row by row, or null where neither construction gives one.</summary>
    public static int[]? Of(int order)
    {
        if (order % 4 != 0) return null;
        if (FiniteField.Of(order - 1) is { } first) return First(first);
        return (order / 2 - 1) % 4 == 1 && FiniteField.Of(order / 2 - 1) is { } second ? Second(second) : null;
    }

    // I + S with S skew: a border of ones and Q_ij = χ(i − j).
    private static int[] First(FiniteField field)
    {
        int n = field.Order + 1;
        var m = Bordered(field, -1);
        for (int i = 0; i < n; i++) m[i * n + i] += 1;
        return m;
    }

    // Each entry c of the symmetric bordered matrix becomes c · [1 1; 1 −1], each zero of its diagonal [1 −1; −1 −1].
    private static int[] Second(FiniteField field)
    {
        int half = field.Order + 1, n = 2 * half;
        int[] c = Bordered(field, 1), m = new int[n * n];
        for (int i = 0; i < half; i++)
            for (int j = 0; j < half; j++)
            {
                int entry = c[i * half + j], at = 2 * i * n + 2 * j;
                (m[at], m[at + 1], m[at + n], m[at + n + 1]) = i == j ? (1, -1, -1, -1) : (entry, entry, entry, -entry);
            }
        return m;
    }

    private static int[] Bordered(FiniteField field, int left)
    {
        int q = field.Order, n = q + 1;
        int[] characters = field.Characters(), m = new int[n * n];
        for (int i = 0; i < q; i++)
        {
            (m[i + 1], m[(i + 1) * n]) = (1, left);
            for (int j = 0; j < q; j++) m[(i + 1) * n + j + 1] = characters[field.Subtract(i, j)];
        }
        return m;
    }
}
