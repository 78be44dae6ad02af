using System.Numerics.Tensors;

namespace Quarank.Models;

/// <summary>
/// Draws the next token from logits: soft-max at a temperature, then only the top-k tokens, then of these the fewest that
/// hold a share top-p. The same seed and the same logits give the same tokens.
/// </summary>
public sealed class Sampler
{
    private readonly float _temperature;
    private readonly int _topK;
    private readonly float _topP;
    private readonly Random _random;
    private float[] _weights = [];
    private (float Weight, int Id)[] _kept = [];

    /// <param name="temperature">0 takes the likeliest token, the lowest id among equals; 1 is the model's own distribution.</param>
    /// <param name="topK">How many tokens stay; 0 keeps all.</param>
    /// <param name="topP">The share of probability that stays, above 0 and up to 1.</param>
    /// <param name="seed">Of the random numbers.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public Sampler(float temperature = 0, int topK = 0, float topP = 1, int seed = 0)
    {
        if (!float.IsFinite(temperature) || temperature < 0)
            throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "The temperature must be 0 or more.");
        ArgumentOutOfRangeException.ThrowIfNegative(topK);
        if (!(topP > 0 && topP <= 1)) throw new ArgumentOutOfRangeException(nameof(topP), topP, "Top-p must be above 0 and at most 1.");
        (_temperature, _topK, _topP, _random) = (temperature, topK, topP, new Random(seed));
    }

    /// <summary>The id of the next token.</summary>
    /// <param name="logits">One a token of the vocabulary.</param>
    /// <exception cref="InvalidDataException">The logits are not numbers.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        int likeliest = TensorPrimitives.IndexOfMax(logits);
        float greatest = logits[likeliest];
        if (!float.IsFinite(greatest)) throw new InvalidDataException($"The model's logits hold {greatest}: its weights are damaged or overflow.");
        if (_temperature == 0) return likeliest;

        Weigh(logits, greatest);
        return _topK > 0 && _topK < logits.Length || _topP < 1 ? DrawKept(Cut()) : DrawAny();
    }

    /// <summary>exp((logit − greatest) / temperature) for every token.</summary>
    private void Weigh(ReadOnlySpan<float> logits, float greatest)
    {
        if (_weights.Length != logits.Length) (_weights, _kept) = (new float[logits.Length], new (float, int)[logits.Length]);
        TensorPrimitives.Subtract(logits, greatest, _weights);
        TensorPrimitives.Divide(_weights, _temperature, _weights);
        TensorPrimitives.Exp<float>(_weights, _weights);
    }

    /// <summary>
    /// Puts the tokens that stay first among those kept, likeliest first, and returns their number. Few tokens hold nearly all of the probability, so
    /// only those above a bound are sorted, and the bound falls until it leaves enough of them.
    /// </summary>
    private int Cut()
    {
        int wanted = _topK > 0 ? Math.Min(_topK, _weights.Length) : _weights.Length, found;
        double share = _topK > 0 || _topP == 1 ? 0 : Total(_weights) * _topP;
        for (float bound = 1f / 16; ; bound *= bound)   // 1/16, 1/256 … 2⁻¹²⁸, 0
        {
            found = Gather(bound, out double sum);
            if (found >= wanted || bound == 0 || _topK == 0 && sum >= share) break;
        }
        // By weight, then by id, so that the order never depends on the sort.
        var kept = _kept.AsSpan(0, found);
        kept.Sort(static (a, b) => a.Weight != b.Weight ? b.Weight.CompareTo(a.Weight) : a.Id.CompareTo(b.Id));
        return _topP == 1 ? Math.Min(wanted, found) : HoldShare(kept[..Math.Min(wanted, found)], share);
    }

    /// <param name="share">0: of what <paramref name="kept"/> holds.</param>
    private int HoldShare(ReadOnlySpan<(float Weight, int Id)> kept, double share)
    {
        if (share == 0) share = Total(kept) * _topP;
        double sum = 0;
        for (int i = 0; i < kept.Length; i++)
        {
            sum += kept[i].Weight;
            if (sum >= share) return i + 1;
        }
        return kept.Length;
    }

    /// <summary>Collects the tokens of at least this weight, in the order of their ids.</summary>
    private int Gather(float bound, out double sum)
    {
        int found = 0;
        sum = 0;
        for (int i = 0; i < _weights.Length; i++)
        {
            if (_weights[i] < bound) continue;
            _kept[found++] = (_weights[i], i);
            sum += _weights[i];
        }
        return found;
    }

    private int DrawKept(int count)
    {
        var kept = _kept.AsSpan(0, count);
        double left = _random.NextDouble() * Total(kept);
        for (int i = 0; i < count - 1; i++)
        {
            left -= kept[i].Weight;
            if (left < 0) return kept[i].Id;
        }
        return kept[count - 1].Id;
    }

    private int DrawAny()
    {
        double left = _random.NextDouble() * Total(_weights);
        for (int i = 0; i < _weights.Length - 1; i++)
        {
            left -= _weights[i];
            if (left < 0) return i;
        }
        return _weights.Length - 1;
    }

    private static double Total(ReadOnlySpan<float> weights)
    {
        double sum = 0;
        foreach (float w in weights) sum += w;
        return sum;
    }

    private static double Total(ReadOnlySpan<(float Weight, int Id)> kept)
    {
        double sum = 0;
        foreach (var (w, _) in kept) sum += w;
        return sum;
    }
}
