using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>The four places of a block where activations enter linear layers. Layers of one site read the same vector.</summary>
public enum InputSite
{
    /// <summary>The normalized input that queries, keys and values read.</summary>
    Attention,

    /// <summary>The attended values that the output projection reads.</summary>
    AttentionOutput,

    /// <summary>The normalized input that gate and up read.</summary>
    Mlp,

    /// <summary>silu(gate) · up, which down reads.</summary>
    MlpOutput,
}

/// <summary>Sees what a site's layers are about to read: tokens × columns, valid only during the call and not to be changed.</summary>
public delegate void ActivationObserver(InputSite site, Matrix<float> inputs);
