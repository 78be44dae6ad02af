using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning.Tuning;

/// <summary>
/// A stored layer while its numbers are tuned. What the optimizer moves are multiples q of a size, value = start + size · q, so that one rate suits
/// numbers of any magnitude: the size of a scale is its own magnitude, that of a matrix's entry the root mean square of all.
/// </summary>
/// <param name="factorRate">The rate of entries of matrices, in parts of that of scales.</param>
internal sealed class TunedLayer(Linear layer, double factorRate) : LearnedLayer
{
    private readonly TunedForm<float> _form = TunedForm<float>.Of(layer);
    private Moving[]? _moving;

    /// <summary>How many numbers move.</summary>
    public long Count => All.Sum(m => (long)m.Learned.Values.Length);

    public override IEnumerable<LearnedNumbers> Numbers => All.Select(m => m.Learned);

    private Moving[] All => _moving ??= [.. _form.Numbers.Select(n => new Moving(n))];

    public override void Decode(Matrix<float> weight)
    {
        foreach (var m in All) m.Apply();
        _form.Widen(weight);
    }

    public override void DecodeStored(Matrix<float> weight) => ToLinear().ToDense().Data.CopyTo(weight.Data);

    public override void Move(Matrix<float> gradient, AdamStep step)
    {
        _form.Adjoint(gradient);
        foreach (var m in All) m.Move(m.Kind == TunedKind.Factors ? step with { Rate = step.Rate * factorRate } : step);
    }

    public override Linear ToLinear()
    {
        foreach (var m in All) m.Apply();
        return _form.Freeze();
    }

    private sealed class Moving(TunedNumbers<float> numbers)
    {
        private readonly float[] _start = (float[])numbers.Values.Clone(), _sizes = SizesOf(numbers);

        public TunedKind Kind => numbers.Kind;

        public LearnedNumbers Learned { get; } = new(numbers.Values.Length);

        public void Apply()
        {
            if (_sizes.Length == 1) TensorPrimitives.MultiplyAdd(Learned.Values, _sizes[0], _start, numbers.Values);
            else TensorPrimitives.MultiplyAdd(Learned.Values, _sizes, _start, numbers.Values);
        }

        public void Move(AdamStep step)
        {
            if (_sizes.Length == 1) TensorPrimitives.Multiply(numbers.Gradient, _sizes[0], Learned.Gradient);
            else TensorPrimitives.Multiply(numbers.Gradient, _sizes, Learned.Gradient);
            Learned.Move(step);
        }
    }

    /// <summary>One a number, or one for all.</summary>
    internal static float[] SizesOf(TunedNumbers<float> numbers)
    {
        float rms = numbers.Values.Length == 0 ? 0 : MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(numbers.Values) / numbers.Values.Length);
        if (numbers.Kind == TunedKind.Factors || numbers.Values.Length == 1) return [rms];
        // A scale next to nothing among others should be able to move too.
        return Array.ConvertAll(numbers.Values, v => Math.Max(MathF.Abs(v), 0.1f * rms));
    }
}

/// <summary>A vector of a block (a norm's gain or shift) while it is tuned.</summary>
/// <param name="values">As stored.</param>
/// <param name="round">A number as it would be stored.</param>
internal sealed class TunedVector(float[] values, Func<float, float> round) : LearnedPart
{
    private readonly float[] _sizes = TunedLayer.SizesOf(new(values, TunedKind.Scales));
    private readonly LearnedNumbers _moved = new(values.Length);

    public override IEnumerable<LearnedNumbers> Numbers => [_moved];

    public override void Decode(Matrix<float> weight)
    {
        for (int i = 0; i < values.Length; i++) weight.Data[i] = values[i] + SizeOf(i) * _moved.Values[i];
    }

    public override void DecodeStored(Matrix<float> weight)
    {
        Decode(weight);
        // What has not moved stays as it was stored.
        for (int i = 0; i < values.Length; i++) weight.Data[i] = _moved.Values[i] == 0 ? values[i] : round(weight.Data[i]);
    }

    public override void Move(Matrix<float> gradient, AdamStep step)
    {
        for (int i = 0; i < values.Length; i++) _moved.Gradient[i] = gradient.Data[i] * SizeOf(i);
        _moved.Move(step);
    }

    /// <summary>As it is stored.</summary>
    public float[] ToStored()
    {
        var stored = new Matrix<float>(1, values.Length);
        DecodeStored(stored);
        return stored.Data.ToArray();
    }

    private float SizeOf(int i) => _sizes.Length == 1 ? _sizes[0] : _sizes[i];
}
