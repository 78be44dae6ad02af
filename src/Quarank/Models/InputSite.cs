using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>The four places of a block where activations enter linear layers. Layers of one place read the same vector.</summary>
public enum SitePlace
{
    /// <summary>What queries, keys and values read.</summary>
    Attention,

    /// <summary>The attended values that the output projection reads.</summary>
    AttentionOutput,

    /// <summary>What gate and up (or a lone up) read.</summary>
    Mlp,

    /// <summary>activation(gate) · up, which down reads.</summary>
    MlpOutput,
}

/// <summary>A place of a block, and of which expert where there are several.</summary>
/// <param name="Expert">Null outside of experts.</param>
public readonly record struct InputSite(SitePlace Place, int? Expert = null)
{
    public static InputSite Attention => new(SitePlace.Attention);
    public static InputSite AttentionOutput => new(SitePlace.AttentionOutput);
    public static InputSite Mlp => new(SitePlace.Mlp);
    public static InputSite MlpOutput => new(SitePlace.MlpOutput);

    /// <summary><c>MlpOutput</c>, or <c>MlpOutput3</c> for the expert 3.</summary>
    public override string ToString() => $"{Place}{Expert}";
}

/// <summary>Sees what a site's layers are about to read: tokens × columns, valid only during the call and not to be changed.</summary>
public delegate void ActivationObserver(InputSite site, Matrix<float> inputs);
