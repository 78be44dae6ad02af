using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Numerics.Kernels;

namespace Quarank.Numerics.Trellis;

/// <summary>
/// A matrix of trellis codes ready for products: W = scale · values. Rows in panels of 64, the last one filled up; of each panel a ring for every two
/// columns, one behind the other, the last filled up too.
/// </summary>
public sealed unsafe class TrellisMatrix : ICodeMatrix
{
    /// <summary>Rows that share rings.</summary>
    public const int PanelRows = TrellisKernels.Rows;

    private const int BlockColumns = 2 * TrellisKernels.Block;
    [ThreadStatic] private static Input? t_input;
    private readonly TrellisCode _code;
    private readonly byte[] _rings;
    private readonly float _scale;
    private readonly int _columns, _pairs, _panelBytes;

    /// <param name="rings">Panels · pairs · <see cref="TrellisPacking.BytesOf"/> bytes; not copied.</param>
    public TrellisMatrix(TrellisCode code, int rows, int columns, byte[] rings, float scale)
    {
        (_code, _rings, _scale, Rows, _columns, _pairs) = (code, rings, scale, rows, columns, PairsOf(columns));
        _panelBytes = checked(_pairs * TrellisPacking.BytesOf(code.SymbolBits));
        if (rings.LongLength != (long)PanelsOf(rows) * _panelBytes)
            throw new ArgumentException($"{rows}x{columns} weights of {code.SymbolBits / 2.0} bits take {(long)PanelsOf(rows) * _panelBytes} bytes, not {rings.LongLength}.", nameof(rings));
        if (!float.IsFinite(scale)) throw new ArgumentException("A trellis has one finite scale.", nameof(scale));
    }

    public int Rows { get; }

    /// <summary>Panels of 64 rows.</summary>
    public static int PanelsOf(int rows) => (rows + PanelRows - 1) / PanelRows;

    /// <summary>Pairs of columns.</summary>
    public static int PairsOf(int columns) => (columns + 1) / 2;

    /// <summary>The row within its panel of place p of a ring.</summary>
    public static int RowOf(int place) => place % 8 * 8 + place / 8;

    /// <summary>y = W x in floats, on the pool. Allocates nothing once it has run.</summary>
    public void MultiplyFloat(ReadOnlySpan<float> x, Span<float> y) => MultiplyFloat(x, y, TrellisKernels.IsSupported);

    internal void MultiplyFloat(ReadOnlySpan<float> x, Span<float> y, bool vectors)
    {
        Check(x, y);
        var input = t_input ??= new();
        input.Fill(x, _pairs);
        Run(input, y, vectors, false);
    }

    /// <summary>y = W x̂ with x̂ the input in signed bytes, one scale for 128 of them; the values meet them as they are, in whole numbers.</summary>
    public void Multiply(ReadOnlySpan<float> x, Span<float> y) => Multiply(x, y, TrellisKernels.IsSupported);

    internal void Multiply(ReadOnlySpan<float> x, Span<float> y, bool vectors)
    {
        Check(x, y);
        var input = t_input ??= new();
        input.Round(x, _pairs);
        Run(input, y, vectors, true);
    }

    /// <summary>What <see cref="Multiply(ReadOnlySpan{float}, Span{float})"/> sees in place of x.</summary>
    public void Round(ReadOnlySpan<float> x, Span<float> rounded)
    {
        var input = t_input ??= new();
        input.Round(x, _pairs);
        for (int j = 0; j < x.Length; j++)
            rounded[j] = input.Scales[j / BlockColumns] * (j % 2 == 0 ? (short)input.Pairs[j / 2] : input.Pairs[j / 2] >> 16);
    }

    /// <summary>y = x Wᵀ, a token a row, on the pool: panels of rows decoded, multiplied by BLAS.</summary>
    public void Multiply(Matrix<float> x, Matrix<float> y)
    {
        if (x.Columns != _columns || y.Rows != x.Rows || y.Columns != Rows)
            throw new ArgumentException($"No product of {x.Rows}x{x.Columns} and {Rows}x{_columns} transposed into {y.Rows}x{y.Columns}.", nameof(y));
        RowPanels.Multiply(x, y, this, static (matrix, first, count, rows) => matrix.DecodeRows(first, count, rows), PanelRows);
    }

    /// <summary>Rows <paramref name="first"/> … as floats; <paramref name="rows"/> holds count × columns values.</summary>
    public void DecodeRows(int first, int count, Span<float> rows) => DecodeRows(first, count, rows, TrellisKernels.IsSupported);

    internal void DecodeRows(int first, int count, Span<float> rows, bool vectors)
    {
        const int together = 32;    // pairs
        int ring = TrellisPacking.BytesOf(_code.SymbolBits);
        int[] rented = ArrayPool<int>.Shared.Rent(together * PanelRows);
        fixed (int* values = rented)
        fixed (byte* rings = _rings)
            for (int panel = first / PanelRows; panel * PanelRows < first + count; panel++)
            {
                int begin = Math.Max(first, panel * PanelRows), end = Math.Min(first + count, (panel + 1) * PanelRows);
                for (int pair = 0; pair < _pairs; pair += together)
                {
                    int pairs = Math.Min(together, _pairs - pair);
                    byte* from = rings + (nint)panel * _panelBytes + (nint)pair * ring;
                    if (vectors) TrellisKernels.Decode(_code, from, pairs, values);
                    else TrellisScalar.Decode(_code, from, pairs, values);
                    for (int i = begin; i < end; i++)
                    {
                        var row = rows.Slice((i - first) * _columns + 2 * pair, Math.Min(2 * pairs, _columns - 2 * pair));
                        int* of = values + i % PanelRows;
                        for (int j = 0; j + 1 < row.Length; j += 2, of += PanelRows) (row[j], row[j + 1]) = ((short)*of * _scale, (*of >> 16) * _scale);
                        if (row.Length % 2 != 0) row[^1] = (short)*of * _scale;
                    }
                }
            }
        ArrayPool<int>.Shared.Return(rented);
    }

    private void Check(ReadOnlySpan<float> x, Span<float> y)
    {
        if (x.Length != _columns || y.Length != Rows) throw new ArgumentException($"A {Rows}x{_columns} matrix does not take {x.Length} values to {y.Length}.", nameof(x));
    }

    private void Run(Input input, Span<float> y, bool vectors, bool rounded)
    {
        fixed (float* values = input.Values, scales = input.Scales, target = y)
        fixed (int* pairs = input.Pairs)
        {
            var job = new Job(this, (nint)values, (nint)pairs, (nint)scales, (nint)target, vectors, rounded);
            Threads.ForRanges(PanelsOf(Rows), job, static (i, job) => job.Run(i));
        }
    }

    private readonly record struct Job(TrellisMatrix Matrix, nint Values, nint Pairs, nint Scales, nint Target, bool Vectors, bool Rounded)
    {
        public void Run(int panel)
        {
            var (code, pairs, count) = (Matrix._code, Matrix._pairs, Math.Min(PanelRows, Matrix.Rows - panel * PanelRows));
            float* sums = stackalloc float[PanelRows];
            fixed (byte* all = Matrix._rings)
            {
                byte* rings = all + (nint)panel * Matrix._panelBytes;
                if (Rounded && Vectors) TrellisKernels.MultiplyRounded(code, rings, pairs, (int*)Pairs, (float*)Scales, sums);
                else if (Rounded) TrellisScalar.MultiplyRounded(code, rings, pairs, (int*)Pairs, (float*)Scales, sums);
                else if (Vectors) TrellisKernels.Multiply(code, rings, pairs, (float*)Values, sums);
                else TrellisScalar.Multiply(code, rings, pairs, (float*)Values, sums);
            }
            TensorPrimitives.Multiply(new ReadOnlySpan<float>(sums, count), Matrix._scale, new Span<float>((float*)Target + (nint)panel * PanelRows, count));
        }
    }

    /// <summary>A token's values, as floats or as signed bytes in pairs of 16-bit numbers.</summary>
    private sealed class Input
    {
        public float[] Values { get; private set; } = [];
        public float[] Scales { get; private set; } = [];
        public int[] Pairs { get; private set; } = [];

        public void Fill(ReadOnlySpan<float> x, int pairs)
        {
            if (Values.Length < 2 * pairs) Values = new float[2 * pairs];
            x.CopyTo(Values);
            Values.AsSpan(x.Length..(2 * pairs)).Clear();
        }

        public void Round(ReadOnlySpan<float> x, int pairs)
        {
            int blocks = (x.Length + BlockColumns - 1) / BlockColumns;
            if (Scales.Length < blocks) (Scales, Pairs) = (new float[blocks], new int[blocks * TrellisKernels.Block]);
            sbyte* codes = stackalloc sbyte[BlockColumns];
            for (int b = 0; b < blocks; b++)
            {
                Scales[b] = ByteInput.Round(x[(b * BlockColumns)..Math.Min((b + 1) * BlockColumns, x.Length)], codes);
                var to = Pairs.AsSpan(b * TrellisKernels.Block, TrellisKernels.Block);
                for (int j = 0; j < to.Length; j++) to[j] = codes[2 * j] & 0xFFFF | codes[2 * j + 1] << 16;
            }
        }
    }
}
