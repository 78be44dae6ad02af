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
    private int[] _ids = [];

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

        int count = Weigh(logits, greatest);
        if (_topK > 0 && _topK < count || _topP < 1) count = Cut(count);
        return _ids[Draw(count)];
    }

    /// <summary>exp((logit − greatest) / temperature) and the ids, for every token.</summary>
    private int Weigh(ReadOnlySpan<float> logits, float greatest)
    {
        if (_weights.Length != logits.Length) (_weights, _ids) = (new float[logits.Length], new int[logits.Length]);
        for (int i = 0; i < _ids.Length; i++) _ids[i] = i;
        TensorPrimitives.Subtract(logits, greatest, _weights);
        TensorPrimitives.Divide(_weights, _temperature, _weights);
        TensorPrimitives.Exp<float>(_weights, _weights);
        return logits.Length;
    }

    /// <summary>Puts the tokens that stay first, likeliest first, and returns their number.</summary>
    private int Cut(int count)
    {
        // By weight, then by id, so that the order never depends on the sort.
        _ids.AsSpan().Sort((a, b) => _weights[a] != _weights[b] ? _weights[b].CompareTo(_weights[a]) : a.CompareTo(b));
        _weights.AsSpan().Sort((a, b) => b.CompareTo(a));
        if (_topK > 0) count = Math.Min(count, _topK);
        double wanted = Total(count) * _topP, sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum += _weights[i];
            if (sum >= wanted) return i + 1;
        }
        return count;
    }

    private int Draw(int count)
    {
        double left = _random.NextDouble() * Total(count);
        for (int i = 0; i < count - 1; i++)
        {
            left -= _weights[i];
            if (left < 0) return i;
        }
        return count - 1;
    }

    private double Total(int count)
    {
        double sum = 0;
        foreach (float w in _weights.AsSpan(0, count)) sum += w;
        return sum;
    }
}
