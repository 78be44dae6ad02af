using System.Numerics;

namespace Quarank.Evaluation.Tasks;

/// <summary>
/// Python's <c>random.Random(seed)</c>, number for number, so that examples and bootstrap samples are those of the harness: the Mersenne
/// Twister MT19937 (Matsumoto and Nishimura 1998), seeded by an array of one word.
/// </summary>
internal sealed class PythonRandom
{
    private const int Size = 624, Middle = 397;

    private readonly uint[] _state = new uint[Size];
    private int _next = Size;

    public PythonRandom(uint seed)
    {
        Fill(19650218);
        uint last = _state[0];
        int i = 1;
        for (int k = 0; k < Size; k++)
        {
            last = _state[i] = (_state[i] ^ ((last ^ (last >> 30)) * 1664525)) + seed;
            i = Advance(i, ref last);
        }
        for (int k = 0; k < Size - 1; k++)
        {
            last = _state[i] = (_state[i] ^ ((last ^ (last >> 30)) * 1566083941)) - (uint)i;
            i = Advance(i, ref last);
        }
        _state[0] = 0x80000000;
    }

    /// <summary><c>random()</c>: 53 random bits in [0, 1).</summary>
    public double NextDouble()
    {
        uint a = NextWord() >> 5, b = NextWord() >> 6;
        return (a * 67108864.0 + b) / 9007199254740992.0;
    }

    /// <summary><c>randrange(bound)</c>.</summary>
    public int Below(int bound)
    {
        int bits = 32 - BitOperations.LeadingZeroCount((uint)bound);
        while (true)
        {
            int value = (int)(NextWord() >> (32 - bits));
            if (value < bound) return value;
        }
    }

    /// <summary><c>sample(range(population), count)</c>: different numbers in the order drawn.</summary>
    /// <exception cref="ArgumentException">There are not so many.</exception>
    public int[] Sample(int population, int count)
    {
        if (count > population) throw new ArgumentException($"{count} of {population} cannot be drawn.", nameof(count));
        // Python keeps a pool when that is smaller than a set of the drawn; the numbers that come out depend on which it is.
        long set = 21;
        if (count > 5) set += (long)Math.Pow(4, Math.Ceiling(Math.Log(count * 3) / Math.Log(4)));
        var drawn = new int[count];
        if (population <= set)
        {
            int[] pool = [.. Enumerable.Range(0, population)];
            for (int i = 0; i < count; i++)
            {
                int j = Below(population - i);
                drawn[i] = pool[j];
                pool[j] = pool[population - i - 1];
            }
            return drawn;
        }
        var seen = new HashSet<int>();
        for (int i = 0; i < count; i++)
        {
            do drawn[i] = Below(population);
            while (!seen.Add(drawn[i]));
        }
        return drawn;
    }

    private uint NextWord()
    {
        if (_next == Size) Twist();
        uint y = _state[_next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C5680;
        y ^= (y << 15) & 0xEFC60000;
        return y ^ (y >> 18);
    }

    private void Twist()
    {
        for (int k = 0; k < Size; k++)
        {
            uint y = (_state[k] & 0x80000000) | (_state[(k + 1) % Size] & 0x7FFFFFFF);
            _state[k] = _state[(k + Middle) % Size] ^ (y >> 1) ^ ((y & 1) == 0 ? 0 : 0x9908B0DF);
        }
        _next = 0;
    }

    private void Fill(uint seed)
    {
        _state[0] = seed;
        for (int i = 1; i < Size; i++) _state[i] = 1812433253 * (_state[i - 1] ^ (_state[i - 1] >> 30)) + (uint)i;
    }

    private int Advance(int i, ref uint last)
    {
        if (i + 1 < Size) return i + 1;
        _state[0] = last = _state[Size - 1];
        return 1;
    }
}
