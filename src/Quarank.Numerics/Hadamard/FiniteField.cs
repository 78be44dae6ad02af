namespace Quarank.Numerics.Hadamard;

/// <summary>A field of p, p² or p³ elements, p an odd prime: just what Paley's matrices need of it.</summary>
/// <remarks>An element is the number whose digits to the base p are its coefficients, modulo a monic polynomial without roots, which below degree four is irreducible.</remarks>
internal sealed class FiniteField
{
    private readonly int _p, _degree;
    private readonly int[] _modulus;    // x^degree = Σ modulus[i] x^i

    private FiniteField(int p, int degree)
    {
        (_p, _degree, Order) = (p, degree, (int)Math.Pow(p, degree));
        _modulus = degree == 1 ? [0] : Modulus();
    }

    public int Order { get; }

    /// <summary>The field of that many elements, if it is one of those known here.</summary>
    public static FiniteField? Of(int order)
    {
        for (int degree = 1; degree <= 3; degree++)
        {
            int p = (int)Math.Round(Math.Pow(order, 1.0 / degree));
            if (p > 2 && IsPrime(p) && Math.Pow(p, degree) == order) return new(p, degree);
        }
        return null;
    }

    /// <summary>1 for squares, −1 for what is none, 0 for zero.</summary>
    public int[] Characters()
    {
        var characters = new int[Order];
        Array.Fill(characters, -1);
        characters[0] = 0;
        for (int a = 1; a < Order; a++) characters[Multiply(a, a)] = 1;
        return characters;
    }

    public int Subtract(int a, int b)
    {
        int difference = 0;
        for (int i = 0, unit = 1; i < _degree; i++, unit *= _p)
            difference += (a / unit % _p - b / unit % _p + _p) % _p * unit;
        return difference;
    }

    private int Multiply(int a, int b)
    {
        Span<long> product = stackalloc long[5];
        product.Clear();
        for (int i = 0, x = a; i < _degree; i++, x /= _p)
            for (int j = 0, y = b; j < _degree; j++, y /= _p) product[i + j] += (long)(x % _p) * (y % _p);
        for (int i = 2 * _degree - 2; i >= _degree; i--)
            for (int j = 0; j < _degree; j++) product[i - _degree + j] += product[i] % _p * _modulus[j];
        long result = 0;
        for (int i = _degree - 1; i >= 0; i--) result = result * _p + product[i] % _p;
        return (int)result;
    }

    private int[] Modulus()
    {
        for (int code = 1; ; code++)
        {
            int[] low = [.. Enumerable.Range(0, _degree).Select(i => code / (int)Math.Pow(_p, i) % _p)];
            bool root = Enumerable.Range(0, _p).Any(x => (Power(x, _degree) - low.Select((c, i) => c * Power(x, i)).Sum()) % _p == 0);
            if (!root) return low;
        }
    }

    private static long Power(long x, int exponent) => exponent == 0 ? 1 : x * Power(x, exponent - 1);

    private static bool IsPrime(int n)
    {
        for (int d = 2; d * d <= n; d++)
            if (n % d == 0) return false;
        return n > 1;
    }
}
