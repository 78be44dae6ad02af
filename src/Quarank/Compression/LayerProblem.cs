using Quarank.Numerics;

namespace Quarank.Compression;

/// <summary>What calibration gathered where a layer takes its input.</summary>
/// <param name="Tokens">How many tokens were seen.</param>
/// <param name="Gram">
/// H = Σ w² x xᵀ / tokens (half the papers' Hessian), Columns × Columns, symmetric; w are the tokens' weights. What methods fit to.
/// </param>
/// <param name="Plain">H with every weight 1, where that is another matrix: what losses are measured with.</param>
public sealed record InputStatistics(long Tokens, Matrix<double> Gram, Matrix<double>? Plain = null)
{
    /// <summary>
    /// The mean of |x_j| over all tokens, every weight 1; null where nobody took it: statistics kept by an earlier version, or coordinates
    /// that have been turned.
    /// </summary>
    public double[]? Magnitudes { get; init; }

    /// <summary>What was gathered of the input rounded, for methods that ask for it (<see cref="Method.Rounding"/>); weighted as <see cref="Gram"/> is.</summary>
    public RoundedStatistics? Rounded { get; init; }
}

/// <summary>The place and size of a layer, before anything is read.</summary>
public sealed record LayerShape(string Name, int Rows, int Columns)
{
    /// <summary>Names what the layer reads, where factors of its channels can be folded into the operation before it: layers of one name share them. Else null.</summary>
    public string? FoldedSite { get; init; }

    /// <summary>Why they cannot, where they cannot.</summary>
    public string? FoldRefusal { get; init; }
}

/// <summary>One layer to compress: find a cheap Ŵ that keeps tr((W − Ŵ) H (W − Ŵ)ᵀ) small.</summary>
/// <param name="Weight">W, Rows × Columns; methods leave it as it is.</param>
/// <param name="Seed">For methods that draw random numbers.</param>
/// <param name="Note">Told, in one line, of anything a method had to do that its recipe does not say (extra damping, say); goes into the report.</param>
public sealed record LayerProblem(string Name, Matrix<float> Weight, InputStatistics Inputs, int Seed = 0, Action<string>? Note = null)
{
    /// <summary>What W's rows were divided by, where factors of a later layer's channels were folded into them; losses count outputs as they were. Null: nothing.</summary>
    public float[]? RowFactors { get; init; }

    public int Rows => Weight.Rows;
    public int Columns => Weight.Columns;
}
