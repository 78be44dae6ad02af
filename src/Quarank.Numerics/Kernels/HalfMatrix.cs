using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Quarank.Numerics.Kernels;

/// <summary>
/// A dense matrix of 16-bit floats ready for products. One token: y[i] = Σ w·x in floats, column j in accumulator j mod 32, each product and
/// sum rounded once; .NET has no instruction for float16, so w · 2⁻¹¹², which its bits are when moved into a float, meets x · 2¹¹².
/// </summary>
public sealed unsafe class HalfMatrix
{
    private const int Accumulators = 32;
    private const float Unscaled = 65504; // times 2^112 still a float
    [ThreadStatic] private static FloatInput? t_input;
    private readonly ushort[] _codes;
    private readonly bool _bfloat;
    private readonly int _columns, _rowChunk;

    /// <param name="codes">rows × columns codes, row by row; not copied.</param>
    /// <param name="bfloat">Whether they are bfloat16; else they are IEEE binary16.</param>
    public HalfMatrix(int rows, int columns, ushort[] codes, bool bfloat)
    {
        if (codes.LongLength != (long)rows * columns) throw new ArgumentException($"A {rows}x{columns} weight needs {(long)rows * columns} values, got {codes.LongLength}.", nameof(codes));
        (Rows, _columns, _codes, _bfloat) = (rows, columns, codes, bfloat);
        _rowChunk = (Math.Max(1, Math.Min((32 << 10) / Math.Max(1, 2 * columns), rows / 16)) + 15) / 16 * 16;
    }

    public int Rows { get; }

    /// <summary>y = W x, on the pool. Infinite and NaN weights and inputs come out as they would from float arithmetic. Allocates nothing.</summary>
    public void Multiply(ReadOnlySpan<float> x, Span<float> y) => Multiply(x, y, Vector128.IsHardwareAccelerated);

    /// <summary>The same by plain loops, bit for bit.</summary>
    internal void MultiplyScalar(ReadOnlySpan<float> x, Span<float> y) => Multiply(x, y, false);

    /// <summary>y = x Wᵀ, a token a row, on the pool: panels of rows widened to floats, multiplied by BLAS.</summary>
    public void Multiply(Matrix<float> x, Matrix<float> y)
    {
        if (x.Columns != _columns || y.Rows != x.Rows || y.Columns != Rows)
            throw new ArgumentException($"No product of {x.Rows}x{x.Columns} and {Rows}x{_columns} transposed into {y.Rows}x{y.Columns}.", nameof(y));
        RowPanels.Multiply(x, y, this, static (matrix, first, count, rows) => matrix.DecodeRows(first, count, rows));
    }

    /// <summary>Rows <paramref name="first"/> … as floats; <paramref name="rows"/> holds count × columns values.</summary>
    public void DecodeRows(int first, int count, Span<float> rows)
    {
        var codes = _codes.AsSpan(first * _columns, count * _columns);
        if (_bfloat) SmallFloat.BFloat16ToSingle(codes, rows);
        else SmallFloat.HalfToSingle(codes, rows);
    }

    private void Multiply(ReadOnlySpan<float> x, Span<float> y, bool vectors)
    {
        if (x.Length != _columns || y.Length != Rows)
            throw new ArgumentException($"A {Rows}x{_columns} matrix does not take {x.Length} values to {y.Length}.", nameof(x));
        var input = t_input ??= new FloatInput();
        input.Fill(x);
        float* values = input.Pointers.Values;
        if (vectors && !_bfloat) vectors = TryScale(values, x.Length);
        fixed (float* target = y)
        {
            var job = new Job(this, (nint)values, (nint)target, vectors);
            Threads.ForRanges((Rows + _rowChunk - 1) / _rowChunk, job, static (i, job) => job.Run(i));
        }
    }

    private readonly record struct Job(HalfMatrix Matrix, nint Input, nint Target, bool Vectors)
    {
        public void Run(int i)
        {
            int first = i * Matrix._rowChunk, count = Math.Min(Matrix._rowChunk, Matrix.Rows - first);
            float* x = (float*)Input, y = (float*)Target + first;
            fixed (ushort* codes = Matrix._codes)
            {
                ushort* w = codes + (nint)first * Matrix._columns;
                if (!Vectors) Scalar(w, Matrix._columns, count, x, y, Matrix._bfloat, 1);
                else if (Matrix._bfloat) BFloats(w, Matrix._columns, count, x, y);
                else Halves(w, Matrix._columns, count, x, y);
            }
        }
    }

    // Leaves the values as they are when one is too large.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool TryScale(float* x, int count)
    {
        for (int j = 0; j < count; j += 8)
            if (!Vector256.LessThanOrEqualAll(Vector256.Abs(Vector256.Load(x + j)), Vector256.Create(Unscaled))) return false;
        for (int j = 0; j < count; j += 8) (Vector256.Load(x + j) * SmallFloat.HalfScale).Store(x + j);
        return true;
    }

    private static void Scalar(ushort* w, int columns, int count, float* x, float* y, bool bfloat, float unscale)
    {
        float* a = stackalloc float[Accumulators];
        for (int i = 0; i < count; i++, w += columns)
        {
            new Span<float>(a, Accumulators).Clear();
            for (int j = 0; j < columns; j++)
            {
                float weight = bfloat ? SmallFloat.BFloat16ToSingle(w[j]) : (float)BitConverter.UInt16BitsToHalf(w[j]);
                a[j % Accumulators] = MathF.FusedMultiplyAdd(weight, x[j] * unscale, a[j % Accumulators]);
            }
            for (int l = 0; l < 8; l++) a[l] = a[l] + a[l + 8] + (a[l + 16] + a[l + 24]);
            y[i] = a[0] + a[4] + (a[2] + a[6]) + (a[1] + a[5] + (a[3] + a[7]));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Halves(ushort* w, int columns, int count, float* x, float* y)
    {
        var magnitude = Vector256.Create((ushort)0x7FFF);
        int whole = columns / Accumulators * Accumulators;
        for (int i = 0; i < count; i++, w += columns)
        {
            Vector256<float> a = default, b = default, c = default, d = default;
            var most = Vector256<ushort>.Zero;
            for (int j = 0; j < whole; j += 32)
            {
                PackedLanes.Fetch((byte*)(w + j));
                most = Vector256.Max(most, Vector256.Max(Vector256.Load(w + j) & magnitude, Vector256.Load(w + j + 16) & magnitude));
                a = Vector256.FusedMultiplyAdd(Half(w + j), Vector256.Load(x + j), a);
                b = Vector256.FusedMultiplyAdd(Half(w + j + 8), Vector256.Load(x + j + 8), b);
                c = Vector256.FusedMultiplyAdd(Half(w + j + 16), Vector256.Load(x + j + 16), c);
                d = Vector256.FusedMultiplyAdd(Half(w + j + 24), Vector256.Load(x + j + 24), d);
            }
            // The loop reads infinity and NaN as large numbers, so a row with one goes the slow way; so do the columns that are left.
            if (Vector256.GreaterThanOrEqualAny(most, Vector256.Create((ushort)0x7C00))) Scalar(w, columns, 1, x, y + i, false, 1 / SmallFloat.HalfScale);
            else y[i] = Total(a, b, c, d, w, x, whole, columns, false);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BFloats(ushort* w, int columns, int count, float* x, float* y)
    {
        int whole = columns / Accumulators * Accumulators;
        for (int i = 0; i < count; i++, w += columns)
        {
            Vector256<float> a = default, b = default, c = default, d = default;
            for (int j = 0; j < whole; j += 32)
            {
                PackedLanes.Fetch((byte*)(w + j));
                a = Vector256.FusedMultiplyAdd((Wide(w + j) << 16).AsSingle(), Vector256.Load(x + j), a);
                b = Vector256.FusedMultiplyAdd((Wide(w + j + 8) << 16).AsSingle(), Vector256.Load(x + j + 8), b);
                c = Vector256.FusedMultiplyAdd((Wide(w + j + 16) << 16).AsSingle(), Vector256.Load(x + j + 16), c);
                d = Vector256.FusedMultiplyAdd((Wide(w + j + 24) << 16).AsSingle(), Vector256.Load(x + j + 24), d);
            }
            y[i] = Total(a, b, c, d, w, x, whole, columns, true);
        }
    }

    // The columns from whole on, then the sum of all accumulators.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Total(
        Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, ushort* w, float* x, int whole, int columns, bool bfloat)
    {
        if (whole < columns) (a, b, c, d) = Rest(a, b, c, d, w, x, whole, columns, bfloat);
        return PackedLanes.Total(a + b + (c + d));
    }

    private static (Vector256<float> A, Vector256<float> B, Vector256<float> C, Vector256<float> D) Rest(
        Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, ushort* w, float* x, int whole, int columns, bool bfloat)
    {
        float* sums = stackalloc float[Accumulators];
        a.Store(sums);
        b.Store(sums + 8);
        c.Store(sums + 16);
        d.Store(sums + 24);
        for (int j = whole; j < columns; j++)
        {
            // x is scaled for halves; a half times 2⁻¹¹² is exact.
            float weight = bfloat ? SmallFloat.BFloat16ToSingle(w[j]) : (float)BitConverter.UInt16BitsToHalf(w[j]);
            sums[j - whole] = MathF.FusedMultiplyAdd(weight, bfloat ? x[j] : x[j] / SmallFloat.HalfScale, sums[j - whole]);
        }
        return (Vector256.Load(sums), Vector256.Load(sums + 8), Vector256.Load(sums + 16), Vector256.Load(sums + 24));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Half(ushort* w) => SmallFloat.UnscaledHalf(Wide(w)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Wide(ushort* w)
    {
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32((short*)w);
        var v = Vector128.Load((short*)w);
        return Vector256.Create(Vector128.WidenLower(v), Vector128.WidenUpper(v));
    }
}
