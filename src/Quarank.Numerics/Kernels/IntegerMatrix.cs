using System.Runtime.CompilerServices;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// A grid of 4 or 8 bits (w = scale · (code − zero), scales by rows or groups of rows) times inputs rounded to signed bytes: products are summed
/// as integers over every unit of columns that share both scales, exactly, and only these sums are scaled,
/// y = Σ over units of (scale of the weights · scale of the input) · Σ (code − zero) (q − zero of the input).
/// </summary>
/// <remarks>
/// The integer of a unit is Σ c q − z Σ q − z' (Σ c − n z), all in 32 bits. One token (its codes streamed as they are stored) and many tokens
/// (rows unpacked into panels) give the same bits.
/// </remarks>
public sealed unsafe partial class IntegerMatrix
{
    /// <summary>Σ of so many products of two bytes fits in 32 bits.</summary>
    private const int MostColumns = 1 << 16;

    [ThreadStatic] private static TokenCodes? t_one;

    private readonly int _bits, _groupSize, _groups, _bytesPerRow, _base;
    private readonly byte[] _codes, _zeros;
    private readonly float[] _scales;

    /// <param name="groupSize">Columns that share a scale, a multiple of 32; 0 for whole rows.</param>
    /// <param name="codes">rows × <see cref="BitPacking.ByteCount"/> bytes; not copied.</param>
    /// <param name="scales">One per group, row by row; not copied.</param>
    /// <param name="zeros">One per scale; empty where every zero is 2^(bits − 1).</param>
    public IntegerMatrix(int rows, int columns, int bits, int groupSize, byte[] codes, float[] scales, byte[] zeros)
    {
        if (!Knows(bits, groupSize, columns))
            throw new NotSupportedException($"There is no integer kernel for {bits} bits in groups of {groupSize}; there are 4 and 8 bits in groups of multiples of 32, or whole rows.");
        (Rows, Columns, _bits, _codes, _scales, _zeros) = (rows, columns, bits, codes, scales, zeros);
        (_groupSize, _base, _bytesPerRow) = (groupSize >= columns ? 0 : groupSize, bits == 8 ? 128 : 0, BitPacking.ByteCount(columns, bits));
        _groups = _groupSize == 0 ? 1 : (columns + _groupSize - 1) / _groupSize;
        if (codes.LongLength != (long)rows * _bytesPerRow)
            throw new ArgumentException($"{rows}x{columns} codes of {bits} bits do not take {codes.LongLength} bytes.", nameof(codes));
        if (scales.Length != rows * _groups || zeros.Length != 0 && zeros.Length != scales.Length)
            throw new ArgumentException($"{rows * _groups} scales were expected, found {scales.Length} with {zeros.Length} zero-points.", nameof(scales));
    }

    public int Rows { get; }
    public int Columns { get; }

    /// <summary>Whether there are kernels for a grid of these groups (0: whole rows).</summary>
    public static bool Knows(int bits, int groupSize, int columns) =>
        bits is 4 or 8 && columns is > 0 and <= MostColumns && groupSize >= 0 && (groupSize % TokenCodes.Vector == 0 || groupSize >= columns);

    /// <summary>One token: y = W x̂. Allocates nothing once it has met its largest matrix.</summary>
    public void Multiply(InputRounder input, ReadOnlySpan<float> x, Span<float> y)
    {
        Check(x.Length, y.Length);
        var token = t_one ??= new();
        int unit = UnitSize(input.Grid);
        token.Prepare(1, Columns, unit, wide: false);
        token.Fill(0, x, input, wide: false);
        fixed (float* target = y)
        {
            const int chunk = 32;
            Threads.ForRanges((Rows + chunk - 1) / chunk, (Matrix: this, Token: token, Unit: unit, Target: (nint)target), static (i, job) =>
                job.Matrix.OneToken(job.Token, job.Unit, i * chunk, Math.Min(chunk, job.Matrix.Rows - i * chunk), (float*)job.Target));
        }
    }

    /// <summary>One token by plain loops, bit for bit what the kernels give.</summary>
    internal void MultiplyScalar(InputRounder input, ReadOnlySpan<float> x, Span<float> y)
    {
        Check(x.Length, y.Length);
        var token = new TokenCodes();
        int unit = UnitSize(input.Grid);
        token.Prepare(1, Columns, unit, wide: false);
        token.Fill(0, x, input, wide: false);
        var codes = new byte[Columns];
        for (int i = 0; i < Rows; i++)
        {
            BitPacking.Unpack(_codes.AsSpan(i * _bytesPerRow, _bytesPerRow), _bits, codes);
            float sum = 0;
            for (int u = 0; u < token.Units; u++)
            {
                int group = i * _groups + (_groupSize == 0 ? 0 : u * unit / _groupSize), zero = ZeroOf(group), products = 0;
                for (int j = u * unit; j < Math.Min((u + 1) * unit, Columns); j++) products += (codes[j] - _base - zero) * (token.Codes[j] - token.Zeros[u]);
                sum = MathF.FusedMultiplyAdd(products, _scales[group] * token.Scales[u], sum);
            }
            y[i] = sum;
        }
    }

    private void Check(int columns, int rows)
    {
        if (columns != Columns || rows != Rows) throw new ArgumentException($"A {Rows}x{Columns} matrix does not take {columns} values to {rows}.");
    }

    // The zero of a group's codes as kernels hold them.
    private int ZeroOf(int group) => (_zeros.Length == 0 ? 1 << (_bits - 1) : _zeros[group]) - _base;

    // Columns that share both scales.
    private int UnitSize(InputGrid grid)
    {
        int all = (Columns + TokenCodes.Vector - 1) / TokenCodes.Vector * TokenCodes.Vector, inputs = grid.GroupSize >= Columns ? 0 : grid.GroupSize;
        if (_groupSize == 0 || inputs == 0) return Math.Max(_groupSize, inputs) is > 0 and var one ? one : all;
        var (a, b) = (_groupSize, inputs);
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }
}
