namespace Quarank.Compression.Rounding;

/// <summary>
/// Rounds a block of neighbouring columns at once, for many rows side by side: a lattice, a trellis. <see cref="BlockRounding"/> gives each block the feedback
/// of those rounded before it. Column j of row r is <c>target[j * stride + r]</c>; rows from the count on, up to the stride, are filling.
/// </summary>
internal interface IBlockRounder
{
    /// <summary>Columns of a block; 1 to 64.</summary>
    int Width { get; }

    /// <summary>Rows that share what is stored, so that they take the same choice; 1: each row is for itself. A divisor of 16, or a multiple.</summary>
    int Rows { get; }

    /// <summary>How many answers there are for each row, of which the one is taken that loses least in the norm of H; the first is the nearest.</summary>
    int Choices { get; }

    /// <summary>Whether answers are nearest in the norm that is given, not only in the plain one, so that points ahead of the target offer nothing more.</summary>
    bool Weighs { get; }

    /// <summary>Rounds a block.</summary>
    /// <param name="target">What is to be rounded, Width rows of stride values.</param>
    /// <param name="stride">A multiple of 16 and of <see cref="Rows"/>.</param>
    /// <param name="count">Rows that matter.</param>
    /// <param name="root">R, lower triangular, Width × Width: what is lost is ‖Rᵀ (target − values)‖².</param>
    /// <param name="values">Choice c of column j and row r at (c · Width + j) · stride + r: what the codes stand for.</param>
    /// <param name="codes">Choice c of row r at c · stride + r: 64 bits for whatever the block's weights in this row are stored as.</param>
    void Round(ReadOnlySpan<float> target, int stride, int count, ReadOnlySpan<float> root, Span<float> values, Span<ulong> codes);
}
