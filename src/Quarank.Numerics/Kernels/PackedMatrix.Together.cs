namespace Quarank.Numerics.Kernels;

/// <summary>Matrices that meet one input together.</summary>
public sealed unsafe partial class PackedMatrix
{
    /// <summary>Whether an input made ready for this matrix is ready for another one too: <see cref="MultiplyTogether"/> takes both.</summary>
    public bool SharesInput(PackedMatrix other) => _columns is null && other._columns is null && (_table is null) == (other._table is null)
        && _layout.Columns == other._layout.Columns && _layout.Bits == other._layout.Bits && _layout.GroupSize == other._layout.GroupSize;

    /// <summary>
    /// Two or three matrices times one input: each result bit for bit that of its own product, but the input is made ready once and the rows of all
    /// are one round of work.
    /// </summary>
    /// <param name="third">Null: two matrices.</param>
    /// <param name="bytes">Whether the input is rounded, as <see cref="Multiply(ReadOnlySpan{float}, Span{float})"/> does.</param>
    /// <exception cref="ArgumentException">The matrices do not share an input, or a size is wrong.</exception>
    public static void MultiplyTogether(
        PackedMatrix first, PackedMatrix second, PackedMatrix? third, ReadOnlySpan<float> x, Span<float> y1, Span<float> y2, Span<float> y3, bool bytes)
    {
        if (!first.SharesInput(second) || third is not null && !first.SharesInput(third))
            throw new ArgumentException("These matrices do not take their inputs in the same form.", nameof(second));
        first.Check(x, y1);
        second.Check(x, y2);
        third?.Check(x, y3);
        PackedInput input;
        if (bytes)
        {
            var rounded = t_bytes ??= new ByteInput();
            rounded.Fill(x, first._layout);
            input = rounded.Pointers;
        }
        else
        {
            var floats = t_floats ??= new FloatInput();
            floats.Fill(x, first._layout);
            input = floats.Pointers;
        }
        fixed (float* p1 = y1, p2 = y2, p3 = y3)
        {
            int one = first.Chunks, two = one + second.Chunks;
            var jobs = new Jobs(first.JobOf(input, p1, bytes), second.JobOf(input, p2, bytes), (third ?? second).JobOf(input, p3, bytes), one, two);
            Threads.ForRanges(two + (third?.Chunks ?? 0), jobs, static (i, jobs) => jobs.Run(i));
        }
    }

    private int Chunks => (Rows + _rowChunk - 1) / _rowChunk;

    private Job JobOf(PackedInput input, float* y, bool bytes)
    {
        delegate*<in PackedRows, in PackedInput, int, float*, void> kernel = &PackedFloat.Multiply;
        if (bytes && _table is null) kernel = &PackedDot.Multiply;
        else if (bytes) kernel = &PackedLevels.Multiply;
        float middle = _table is null ? _layout.Base - (1 << (_layout.Bits - 1)) : bytes ? -2048 : 0;
        return new Job(this, input, (nint)y, 0, bytes ? _table?.Step ?? 1 : 1, middle, (nint)kernel);
    }

    // Pieces 0 … one − 1 are the first matrix's, those up to two the second's.
    private readonly record struct Jobs(Job First, Job Second, Job Third, int One, int Two)
    {
        public void Run(int i)
        {
            if (i < One) First.Run(i);
            else if (i < Two) Second.Run(i - One);
            else Third.Run(i - Two);
        }
    }
}
