using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Trellis;

/// <summary>
/// The ring of a code that is nearest to 64 pairs of weights, by Viterbi's algorithm, in the norm D of the two: Σ (t − v)ᵀ D (t − v). Half of it is
/// ½ vᵀ D v, which is the same at every place, less (D t)ᵀ v and what depends on no choice.
/// </summary>
/// <remarks>
/// A ring has no beginning. A first pass over the places around the seam, with free ends, finds the node to pass there; the second begins and ends with
/// it. Costs of nodes are kept for every place, decisions are made anew on the way back, so that the loop over states has four operations.
/// </remarks>
public sealed class TrellisEncoder
{
    private const int Length = TrellisCode.Length;
    private readonly TrellisCode _code;
    private readonly int _nodes, _entering, _tails, _around;
    private readonly float[] _own, _costs;
    private readonly int[] _places;
    private readonly byte[] _leaving = new byte[Length];
    private float _d00, _d01, _d11;

    public TrellisEncoder(TrellisCode code)
    {
        _code = code;
        (_nodes, _entering) = (code.Nodes, 1 << code.SymbolBits);
        _tails = _nodes / _entering;
        _around = Math.Min(Length / 2, 3 * (code.StateBits + code.SymbolBits - 1) / code.SymbolBits);
        (_own, _costs) = (new float[_nodes * _entering], new float[(Length + 1) * _nodes]);
        // Costs lie as they are found: for each node's lower bits one for every symbol that entered.
        _places = [.. Enumerable.Range(0, _nodes).Select(n => n % _tails * _entering + n / _tails)];
        Measure([1, 0, 0, 1]);
    }

    /// <summary>The norm of the pairs to come: D = R Rᵀ.</summary>
    /// <param name="root">R, lower triangular, 2 × 2.</param>
    public void Measure(ReadOnlySpan<float> root)
    {
        float unit = 1 / (root[0] * root[0]);
        (float d00, float d01, float d11) = (1, root[0] * root[2] * unit, (root[2] * root[2] + root[3] * root[3]) * unit);
        (_d00, _d01, _d11) = (d00, d01, d11);
        float[] first = _code.First, second = _code.Second;
        for (int s = 0; s < _own.Length; s++) _own[s] = 0.5f * (d00 * first[s] * first[s] + d11 * second[s] * second[s]) + d01 * first[s] * second[s];
    }

    /// <summary>The symbols of the ring and the values that they stand for.</summary>
    /// <param name="first">Of each place, the first weight in the code's units.</param>
    public void Encode(ReadOnlySpan<float> first, ReadOnlySpan<float> second, Span<byte> symbols, Span<float> firstValues, Span<float> secondValues) =>
        Encode(first, second, symbols, firstValues, secondValues, Vector256.IsHardwareAccelerated);

    internal void Encode(ReadOnlySpan<float> first, ReadOnlySpan<float> second, Span<byte> symbols, Span<float> firstValues, Span<float> secondValues, bool vectors)
    {
        Span<float> a = stackalloc float[Length], b = stackalloc float[Length];
        for (int p = 0; p < Length; p++)
        {
            a[p] = _d00 * first[p] + _d01 * second[p];
            b[p] = _d01 * first[p] + _d11 * second[p];
        }
        _costs.AsSpan(0, _nodes).Clear();
        int steps = 2 * _around;
        for (int t = 0; t < steps; t++) Step(t, a[At(t - _around)], b[At(t - _around)], vectors);
        int seam = Back(Least(steps), steps, _around, a, b, _around);

        _costs.AsSpan(0, _nodes).Fill(float.PositiveInfinity);
        _costs[_places[seam]] = 0;
        for (int t = 0; t < Length; t++) Step(t, a[t], b[t], vectors);
        Back(seam, Length, 0, a, b, 0);

        Span<int> firsts = stackalloc int[Length], seconds = stackalloc int[Length];
        _leaving.CopyTo(symbols);
        _code.Decode(_leaving, firsts, seconds);
        for (int p = 0; p < Length; p++) (firstValues[p], secondValues[p]) = (firsts[p], seconds[p]);
    }

    private static int At(int t) => (t + Length) % Length;

    // Of all nodes after some steps the cheapest.
    private int Least(int steps)
    {
        var costs = _costs.AsSpan(steps * _nodes, _nodes);
        int best = 0;
        for (int n = 1; n < _nodes; n++)
            if (costs[_places[n]] < costs[_places[best]]) best = n;
        return best;
    }

    // From a node after `steps` steps back to the node after `until`.
    private int Back(int node, int steps, int until, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int around)
    {
        float[] first = _code.First, second = _code.Second;
        for (int t = steps - 1; t >= until; t--)
        {
            int p = At(t - around), entering = node / _tails, before = node % _tails * _entering;
            var (least, best) = (float.PositiveInfinity, 0);
            for (int o = 0; o < _entering; o++)
            {
                int s = (before + o) * _entering + entering;
                float cost = Cost(_costs[t * _nodes + _places[before + o]] + _own[s], first[s], second[s], a[p], b[p]);
                if (cost < least) (least, best) = (cost, o);
            }
            _leaving[p] = (byte)best;
            node = before + best;
        }
        return node;
    }

    private static float Cost(float cost, float first, float second, float a, float b) =>
        MathF.FusedMultiplyAdd(-b, second, MathF.FusedMultiplyAdd(-a, first, cost));

    private void Step(int t, float a, float b, bool vectors)
    {
        if (!vectors) StepScalar(t, a, b);
        else if (_entering == 8) StepEight(t, a, b);
        else StepVectors(t, a, b);
    }

    private void StepScalar(int t, float a, float b)
    {
        Span<float> before = _costs.AsSpan(t * _nodes, _nodes), after = _costs.AsSpan((t + 1) * _nodes, _nodes);
        after.Fill(float.PositiveInfinity);
        for (int n = 0; n < _nodes; n++)
            for (int h = 0; h < _entering; h++)
            {
                int s = n * _entering + h;
                ref float to = ref after[n / _entering * _entering + h];
                to = Math.Min(to, Cost(before[_places[n]] + _own[s], _code.First[s], _code.Second[s], a, b));
            }
    }

    // Nodes with the same upper bits lead to the same nodes, one for each entering symbol; sixteen symbols at a time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StepVectors(int t, float a, float b)
    {
        ref float first = ref MemoryMarshal.GetArrayDataReference(_code.First);
        ref float second = ref MemoryMarshal.GetArrayDataReference(_code.Second);
        ref float own = ref MemoryMarshal.GetArrayDataReference(_own);
        ref int places = ref MemoryMarshal.GetArrayDataReference(_places);
        ref float before = ref _costs[t * _nodes];
        ref float after = ref _costs[(t + 1) * _nodes];
        var (va, vb) = (Vector256.Create(-a), Vector256.Create(-b));
        int entering = _entering;
        for (int q = 0; q < _tails; q++)
            for (int h = 0; h < entering; h += 16)
            {
                var (low, high) = (Vector256.Create(float.PositiveInfinity), Vector256.Create(float.PositiveInfinity));
                nuint s = (nuint)(q * entering * entering + h);
                for (int n = q * entering; n < (q + 1) * entering; n++, s += (nuint)entering)
                {
                    var cost = Vector256.Create(Unsafe.Add(ref before, Unsafe.Add(ref places, n)));
                    var left = Vector256.FusedMultiplyAdd(va, Vector256.LoadUnsafe(ref first, s), cost + Vector256.LoadUnsafe(ref own, s));
                    var right = Vector256.FusedMultiplyAdd(va, Vector256.LoadUnsafe(ref first, s + 8), cost + Vector256.LoadUnsafe(ref own, s + 8));
                    low = Vector256.MinNative(low, Vector256.FusedMultiplyAdd(vb, Vector256.LoadUnsafe(ref second, s), left));
                    high = Vector256.MinNative(high, Vector256.FusedMultiplyAdd(vb, Vector256.LoadUnsafe(ref second, s + 8), right));
                }
                low.StoreUnsafe(ref after, (nuint)(q * entering + h));
                high.StoreUnsafe(ref after, (nuint)(q * entering + h + 8));
            }
    }

    // As above with eight symbols.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void StepEight(int t, float a, float b)
    {
        ref float first = ref MemoryMarshal.GetArrayDataReference(_code.First);
        ref float second = ref MemoryMarshal.GetArrayDataReference(_code.Second);
        ref float own = ref MemoryMarshal.GetArrayDataReference(_own);
        ref float before = ref _costs[t * _nodes];
        ref float after = ref _costs[(t + 1) * _nodes];
        var (va, vb) = (Vector256.Create(-a), Vector256.Create(-b));
        for (int q = 0; q < _tails; q++)
        {
            var low = Vector256.Create(float.PositiveInfinity);
            for (int n = q * 8; n < q * 8 + 8; n++)
            {
                nuint s = (nuint)n * 8;
                var cost = Vector256.Create(Unsafe.Add(ref before, _places[n])) + Vector256.LoadUnsafe(ref own, s);
                cost = Vector256.FusedMultiplyAdd(va, Vector256.LoadUnsafe(ref first, s), cost);
                low = Vector256.MinNative(low, Vector256.FusedMultiplyAdd(vb, Vector256.LoadUnsafe(ref second, s), cost));
            }
            low.StoreUnsafe(ref after, (nuint)(q * 8));
        }
    }
}
