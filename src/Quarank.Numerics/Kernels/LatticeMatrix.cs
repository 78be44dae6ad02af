using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Quarank.Numerics.Lattice;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// A matrix of lattice codes ready for products: of one token with its input in signed bytes (<see cref="Multiply(ReadOnlySpan{float}, Span{float})"/>) or in
/// floats (<see cref="MultiplyFloat"/>), of many tokens with its rows widened to floats (<see cref="Multiply(Matrix{float}, Matrix{float})"/>).
/// </summary>
public sealed unsafe class LatticeMatrix : ICodeMatrix
{
    // Codes that kernels may read behind a row.
    private const int Slack = 16, FewTokens = 4;

    [ThreadStatic] private static LatticeInput? t_input;
    private readonly LatticeBook _book;
    private readonly ushort[] _codes, _second;
    private readonly byte[] _shell;
    private readonly float _scale;
    private readonly int _groups, _units, _rowChunk;

    /// <param name="codes">Of E8P, row by row, a row beginning with a group of its own; copied.</param>
    /// <param name="second">Of the second book, one for each of them, or none; copied.</param>
    /// <param name="scale">What decoded points are multiplied by.</param>
    /// <exception cref="ArgumentException">The number of codes does not fit, or the scale is not finite.</exception>
    public LatticeMatrix(LatticeBook book, int rows, int columns, ReadOnlySpan<ushort> codes, ReadOnlySpan<ushort> second, float scale)
    {
        _groups = (columns + E8Codebook.Dimension - 1) / E8Codebook.Dimension;
        if (codes.Length != (long)rows * _groups) throw new ArgumentException($"{rows}x{columns} weights take {(long)rows * _groups} codes, not {codes.Length}.", nameof(codes));
        if (second.Length != (book.ResidualBytes == 0 ? 0 : codes.Length))
            throw new ArgumentException($"{codes.Length} codes of {book.Bits} bits a weight do not go with {second.Length} of the second book.", nameof(second));
        if (!float.IsFinite(scale)) throw new ArgumentException("A lattice has one finite scale.", nameof(scale));
        (_book, Rows, Columns, _scale, _units) = (book, rows, columns, scale, LatticeInput.Units(columns));
        (_codes, _second, _shell) = (new ushort[codes.Length + Slack], new ushort[book.ResidualBytes == 2 ? codes.Length + Slack : 0], new byte[book.ResidualBytes == 1 ? codes.Length + Slack : 0]);
        codes.CopyTo(_codes);
        if (book.ResidualBytes == 2) second.CopyTo(_second);
        for (int i = 0; i < second.Length && book.ResidualBytes == 1; i++) _shell[i] = (byte)second[i];
        // Pieces of about 32 KiB, at least 16 of them, of whole cache lines of results: functions of the shape alone.
        _rowChunk = (Math.Max(1, Math.Min((32 << 10) / Math.Max(1, book.Bits * _groups), rows / 16)) + 15) / 16 * 16;
    }

    /// <summary>Output features.</summary>
    public int Rows { get; }

    /// <summary>Input features.</summary>
    public int Columns { get; }

    /// <summary>What decoded points are multiplied by.</summary>
    public float Scale => _scale;

    /// <summary>Codes of a row.</summary>
    public int Groups => _groups;

    /// <summary>The codes of E8P it was given, for who stores them.</summary>
    public ReadOnlySpan<ushort> Codes => _codes.AsSpan(0, _codes.Length - Slack);

    /// <summary>The codes of two bits of the second book.</summary>
    public ReadOnlySpan<ushort> Second => _second.AsSpan(0, Math.Max(0, _second.Length - Slack));

    /// <summary>The codes of one bit of the second book.</summary>
    public ReadOnlySpan<byte> Shell => _shell.AsSpan(0, Math.Max(0, _shell.Length - Slack));

    /// <summary>
    /// y = W x̂, on the pool; x̂ is x in signed bytes with one scale per 128 values (<see cref="Round"/>). Exact but for the order of float sums, the same at any
    /// thread count. Allocates nothing once it has met its largest matrix.
    /// </summary>
    public void Multiply(ReadOnlySpan<float> x, Span<float> y) => Run(x, y, rounded: true, scalar: false);

    /// <summary>y = W x with x as it is: sums of floats in a fixed order.</summary>
    public void MultiplyFloat(ReadOnlySpan<float> x, Span<float> y) => Run(x, y, rounded: false, scalar: false);

    /// <summary>Either product by plain loops, bit for bit.</summary>
    internal void MultiplyScalar(ReadOnlySpan<float> x, Span<float> y, bool rounded) => Run(x, y, rounded, scalar: true);

    /// <summary>x̂, which <see cref="Multiply(ReadOnlySpan{float}, Span{float})"/> takes in the place of x.</summary>
    public void Round(ReadOnlySpan<float> x, Span<float> rounded) => (t_input ??= new()).Rounded(x, rounded[..x.Length]);

    /// <summary>
    /// y = x Wᵀ, a token a row, on the pool. Rows of W are widened to floats, a panel at a time, and multiplied by BLAS; fewer than four tokens
    /// go through <see cref="MultiplyFloat"/>.
    /// </summary>
    public void Multiply(Matrix<float> x, Matrix<float> y)
    {
        if (x.Columns != Columns || y.Rows != x.Rows || y.Columns != Rows)
            throw new ArgumentException($"No product of {x.Rows}x{x.Columns} and {Rows}x{Columns} transposed into {y.Rows}x{y.Columns}.", nameof(y));
        if (x.Rows < FewTokens)
            for (int t = 0; t < x.Rows; t++) MultiplyFloat(x.Row(t), y.Row(t));
        else RowPanels.Multiply(x, y, this, static (matrix, first, count, rows) => matrix.DecodeRows(first, count, rows));
    }

    /// <summary>Rows <paramref name="first"/> … of W as floats; <paramref name="rows"/> holds count × columns values.</summary>
    [SkipLocalsInit]
    public void DecodeRows(int first, int count, Span<float> rows)
    {
        const int dimension = E8Codebook.Dimension, most = 64;
        Span<float> values = stackalloc float[most * dimension], rest = stackalloc float[most * dimension];
        for (int i = first; i < first + count; i++)
            for (int g = 0; g < _groups; g += most)
            {
                int at = i * _groups + g, groups = Math.Min(most, _groups - g), from = g * dimension;
                var part = values[..(groups * dimension)];
                LatticeKernels.Decode(_codes.AsSpan(at, groups), 1, part);
                if (_book.Bits > 2)
                {
                    var added = rest[..part.Length];
                    if (_book.Bits == 4) LatticeKernels.Decode(_second.AsSpan(at, groups), 1, added);
                    else
                        for (int k = 0; k < groups; k++) E8Tables.ShellValues.AsSpan(_shell[at + k] * dimension, dimension).CopyTo(added[(k * dimension)..]);
                    TensorPrimitives.Divide(added, _book.ResidualScale, added);
                    TensorPrimitives.Add(part, added, part);
                }
                var row = rows.Slice((i - first) * Columns + from, Math.Min(part.Length, Columns - from));
                TensorPrimitives.Multiply(part[..row.Length], _scale, row);
            }
    }

    private void Run(ReadOnlySpan<float> x, Span<float> y, bool rounded, bool scalar)
    {
        if (x.Length != Columns || y.Length != Rows) throw new ArgumentException($"A {Rows}x{Columns} matrix does not take {x.Length} values to {y.Length}.", nameof(x));
        var input = t_input ??= new();
        var inputs = rounded ? input.Bytes(x) : input.Floats(x);
        fixed (float* target = y)
            Threads.ForRanges((Rows + _rowChunk - 1) / _rowChunk, new Job(this, inputs, (nint)target, rounded, scalar), static (i, job) => job.Run(i));
    }

    private readonly record struct Job(LatticeMatrix Matrix, LatticeInputs Input, nint Target, bool Rounded, bool Scalar)
    {
        public void Run(int i)
        {
            var m = Matrix;
            int first = i * m._rowChunk, count = Math.Min(m._rowChunk, m.Rows - first);
            nint at = (nint)first * m._groups;
            // Sums of bytes come in quarters, those of the second book in halves.
            float scale = Rounded ? m._scale / 4 : m._scale, other = m._book.Bits == 2 ? 0 : (Rounded && m._book.Bits == 3 ? 2 : 1) * scale / m._book.ResidualScale;
            float* y = (float*)Target + first;
            fixed (ushort* codes = m._codes, second = m._second)
            fixed (byte* shell = m._shell)
            {
                Multiply(codes + at, count, scale, y);
                if (m._book.Bits == 4)
                {
                    float* sums = stackalloc float[count];
                    Multiply(second + at, count, other, sums);
                    TensorPrimitives.Add(new ReadOnlySpan<float>(y, count), new ReadOnlySpan<float>(sums, count), new Span<float>(y, count));
                }
                else if (m._book.Bits == 3 && !Rounded) LatticeFloats.AddShell(shell + at, m._groups, m._units, Input, count, other, y);
                else if (m._book.Bits == 3 && Scalar) LatticeBytes.AddShellScalar(shell + at, m._groups, m._units, Input, count, other, y);
                else if (m._book.Bits == 3) LatticeBytes.AddShell(shell + at, m._groups, m._units, Input, count, other, y);
            }
        }

        private void Multiply(ushort* codes, int count, float factor, float* y)
        {
            var m = Matrix;
            if (Rounded && Scalar) LatticeBytes.MultiplyScalar(codes, m._groups, m._units, Input, count, factor, y);
            else if (Rounded) LatticeBytes.Multiply(codes, m._groups, m._units, Input, count, factor, y);
            else if (Scalar) LatticeFloats.MultiplyScalar(codes, m._groups, m._units, Input, count, factor, y);
            else LatticeFloats.Multiply(codes, m._groups, m._units, Input, count, factor, y);
        }
    }
}
