namespace Quarank.Models;

/// <summary>How a vector is brought to a standard size.</summary>
public enum NormKind
{
    /// <summary>x / √(mean x² + ε) · w.</summary>
    Rms,

    /// <summary>x / √(mean x² + ε) · (1 + w).</summary>
    RmsPlusOne,

    /// <summary>(x − mean x) / √(var x + ε) · w + b.</summary>
    Layer,
}

/// <summary>Where the norms of a block stand; f is its attention or its feed-forward part.</summary>
public enum NormPlacement
{
    /// <summary>h + f(norm h).</summary>
    Before,

    /// <summary>h + norm' f(norm h).</summary>
    BeforeAndAfter,

    /// <summary>norm(h + f(h)).</summary>
    AfterSum,
}

/// <summary>The non-linear function of a feed-forward part.</summary>
public enum Activation
{
    /// <summary>x / (1 + e⁻ˣ).</summary>
    Silu,

    /// <summary>x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))).</summary>
    GeluTanh,

    /// <summary>max(0, x).</summary>
    Relu,
}
