namespace Quarank.Numerics;

/// <summary>y = f(x) row range by row range, on the pool: the shape of every one-token product.</summary>
public static class RowParallel
{
    /// <summary>Fills y, which stands for rows first … first + y.Length − 1 of the result.</summary>
    public delegate void Kernel(int first, ReadOnlySpan<float> x, Span<float> y);

    /// <summary>Runs <paramref name="kernel"/> on ranges of <paramref name="chunk"/> rows. Allocates nothing if the kernel is a kept delegate.</summary>
    public static unsafe void Run(int chunk, ReadOnlySpan<float> x, Span<float> y, Kernel kernel)
    {
        if (y.Length <= chunk)
        {
            kernel(0, x, y);
            return;
        }

        // The spans stay pinned until every range is done, so the pool may see them as pointers.
        fixed (float* px = x)
        fixed (float* py = y)
        {
            var job = new Job((nint)px, x.Length, (nint)py, y.Length, chunk, kernel);
            Threads.For((y.Length + chunk - 1) / chunk, job, static (i, j) => j.Run(i));
        }
    }

    private readonly record struct Job(nint X, int Columns, nint Y, int Rows, int Chunk, Kernel Kernel)
    {
        public unsafe void Run(int i)
        {
            int first = i * Chunk;
            Kernel(first, new ReadOnlySpan<float>((float*)X, Columns), new Span<float>((float*)Y + first, Math.Min(Chunk, Rows - first)));
        }
    }
}
