using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>A step of the optimizer: its number, from 1 on, and its size.</summary>
internal readonly record struct AdamStep(int Number, double Rate)
{
    /// <summary>The step of a schedule that falls along half a cosine from <paramref name="rate"/> to 0.</summary>
    public static AdamStep Cosine(int number, int steps, double rate) =>
        new(number, rate * 0.5 * (1 + Math.Cos(Math.PI * (number - 1) / steps)));
}

/// <summary>
/// Adam (Kingma and Ba 2015, arXiv:1412.6980) with its usual β₁ = 0.9, β₂ = 0.999, ε = 1e-8: p −= rate · m̂ / (√v̂ + ε), m and v the running
/// means of gradient and squared gradient, hats their values freed from the zeros they began with.
/// </summary>
internal sealed class Adam(int count)
{
    private const int Piece = 16384, Chunk = 1024;
    private const float Beta1 = 0.9f, Beta2 = 0.999f, Epsilon = 1e-8f;

    private readonly float[] _mean = new float[count], _square = new float[count];

    /// <summary>The running means.</summary>
    public (float[] Mean, float[] Square) State => (_mean, _square);

    /// <summary>Moves the parameters, always the same ones, against their gradient.</summary>
    public void Move(float[] parameters, float[] gradient, AdamStep step)
    {
        if (parameters.Length != count || gradient.Length != count)
            throw new ArgumentException($"{count} parameters were expected, got {parameters.Length} and a gradient of {gradient.Length}.");
        float rate = (float)(step.Rate / (1 - Math.Pow(Beta1, step.Number))), root = (float)(1 / Math.Sqrt(1 - Math.Pow(Beta2, step.Number)));
        Threads.For((count + Piece - 1) / Piece, p =>
        {
            for (int at = p * Piece, end = Math.Min(count, at + Piece); at < end; at += Chunk)
            {
                int n = Math.Min(Chunk, end - at);
                Move(parameters.AsSpan(at, n), gradient.AsSpan(at, n), _mean.AsSpan(at, n), _square.AsSpan(at, n), rate, root);
            }
        });
    }

    private static void Move(Span<float> p, ReadOnlySpan<float> g, Span<float> mean, Span<float> square, float rate, float root)
    {
        Span<float> t = stackalloc float[Chunk];
        t = t[..p.Length];
        TensorPrimitives.Multiply(mean, Beta1, mean);
        TensorPrimitives.MultiplyAdd(g, 1 - Beta1, mean, mean);
        TensorPrimitives.Multiply(g, g, t);
        TensorPrimitives.Multiply(square, Beta2, square);
        TensorPrimitives.MultiplyAdd(t, 1 - Beta2, square, square);
        TensorPrimitives.Sqrt(square, t);
        TensorPrimitives.Multiply(t, root, t);
        TensorPrimitives.Add(t, Epsilon, t);
        TensorPrimitives.Divide(mean, t, t);
        TensorPrimitives.MultiplyAdd(t, -rate, p, p);
    }
}

/// <summary>Numbers that are learned, their gradient, and what the optimizer keeps of them.</summary>
internal sealed class LearnedNumbers(int count)
{
    private readonly Adam _adam = new(count);

    public float[] Values { get; } = new float[count];

    public float[] Gradient { get; } = new float[count];

    /// <summary>All that the next step depends on besides gradient and rate: the numbers and the optimizer's means.</summary>
    public IEnumerable<float[]> State => [Values, _adam.State.Mean, _adam.State.Square];

    public void Move(AdamStep step) => _adam.Move(Values, Gradient, step);
}
