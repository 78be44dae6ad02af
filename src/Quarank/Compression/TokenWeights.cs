namespace Quarank.Compression;

/// <summary>
/// How much each calibration token counts in the Gram matrix that a method fits to: x xᵀ enters times w². A token of enormous norm
/// (an attention sink) otherwise owns the matrix of its layer.
/// </summary>
public enum TokenWeights
{
    /// <summary>What the method itself asks for (<see cref="Method.PreferredWeights"/>).</summary>
    Auto,

    /// <summary>w = 1: every token as it is.</summary>
    None,

    /// <summary>w = 1 / ‖x‖: every token at norm 1.</summary>
    Unit,

    /// <summary>w = 1 / √‖x‖: x xᵀ enters with the norm of x, not its square.</summary>
    SquareRoot,

    /// <summary>The mean of plain and unit matrix, each at the plain one's trace.</summary>
    Mixed,

    /// <summary>w = min(1, c · median / ‖x‖), the median being that of the token's own sequence: only the few largest are held down.</summary>
    Cut,
}
