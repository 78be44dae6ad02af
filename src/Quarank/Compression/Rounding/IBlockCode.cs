using Quarank.Layers;

namespace Quarank.Compression.Rounding;

/// <summary>A rounder of blocks whose codes, with one scale for the whole matrix, are a layer: what lattices and trellises have in common.</summary>
internal interface IBlockCode : IBlockRounder
{
    /// <summary>The standard deviation that weights should have in units of the code's values, where they look Gaussian.</summary>
    double Spread { get; }

    /// <summary>The layer of these codes.</summary>
    /// <param name="codes">One a block, row by row; also of rows that fill up the last ones that share (<see cref="IBlockRounder.Rows"/>).</param>
    Linear ToLinear(int rows, int columns, ulong[] codes, float scale);
}
