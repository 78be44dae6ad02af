using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>What forms around other forms share: however the input is taken, it is passed on to those inside.</summary>
public abstract class NestedLinear : Linear
{
    private protected NestedLinear(int rows, int columns) : base(rows, columns) { }

    public sealed override void Apply(ReadOnlySpan<float> x, Span<float> y) => Run(x, y, InputNumbers.Floats);

    public sealed override void ApplyRounded(ReadOnlySpan<float> x, Span<float> y) => Run(x, y, InputNumbers.Bytes);

    public sealed override void Apply(Matrix<float> x, Matrix<float> y) => Run(x, y, InputNumbers.Floats);

    public sealed override void ApplyRounded(Matrix<float> x, Matrix<float> y) => Run(x, y, InputNumbers.Bytes);

    /// <summary>One token.</summary>
    private protected abstract void Run(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers);

    /// <summary>Many tokens, one a row.</summary>
    private protected abstract void Run(Matrix<float> x, Matrix<float> y, InputNumbers numbers);
}
