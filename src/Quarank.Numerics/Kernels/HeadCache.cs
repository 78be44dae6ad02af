namespace Quarank.Numerics.Kernels;

/// <summary>
/// The keys and values of one attention head, in pages of 128 positions, so that what is stored never moves. Keys lie in tiles of 16 (tile,
/// feature, key), values one position a row; both as <see cref="AttentionKernels"/> reads them.
/// </summary>
public abstract class HeadCache
{
    /// <summary>Positions of a page, but for the first, which grows to that.</summary>
    public const int Page = 128;

    private const int Tile = AttentionKernels.Tile;

    // Pages before _forgotten are nobody's; of these the first _moved stand at the end again.
    private int _forgotten, _moved;

    private protected HeadCache(int headSize) => HeadSize = headSize;

    /// <summary>An empty cache.</summary>
    public static HeadCache Create(CacheNumbers numbers, int headSize) => numbers switch
    {
        CacheNumbers.F32 => new SingleHeadCache(headSize),
        CacheNumbers.F16 => new HalfHeadCache(headSize),
        CacheNumbers.Q4 => new NibbleHeadCache(headSize),
        _ => new ByteHeadCache(headSize),
    };

    public int HeadSize { get; }

    /// <summary>Positions there is room for.</summary>
    public int Capacity { get; private set; }

    /// <summary>Positions that memory is held for: room for keys, and what is kept for the next page.</summary>
    public int Held => Capacity - _moved * Page;

    /// <summary>The first position that may be read: those before it were forgotten.</summary>
    public int FirstKept => _forgotten * Page;

    /// <summary>Bytes that a position takes.</summary>
    public abstract int BytesPerPosition { get; }

    /// <summary>Makes room for positions 0 … positions − 1; what is stored stays.</summary>
    public void Cover(int positions)
    {
        while (Capacity < positions)
        {
            // The first page doubles, so that a short text takes little.
            int first = Capacity < Page ? Math.Clamp(2 * Capacity, Tile, Page) : Page;
            if (Capacity < Page) ResizeFirst(first);
            else if (_moved < _forgotten) MovePage(_moved++);
            else AddPage();
            Capacity = Capacity < Page ? first : Capacity + Page;
        }
    }

    /// <summary>Positions before this one will not be read any more: their whole pages serve the positions to come.</summary>
    public void Forget(int before)
    {
        int pages = Math.Min(before, Capacity) / Page;
        if (pages > _forgotten) _forgotten = pages;
    }

    /// <summary>Stores what belongs to one position, for which there is room.</summary>
    public abstract void Store(int position, ReadOnlySpan<float> key, ReadOnlySpan<float> value);

    /// <summary>The keys of positions <paramref name="from"/> … from + count − 1 of one page, in tiles; from is a multiple of 16.</summary>
    /// <param name="scratch">Page × headSize values, where keys are not stored as floats.</param>
    public abstract ReadOnlySpan<float> Keys(int from, int count, Span<float> scratch);

    /// <summary>The values of positions <paramref name="from"/> … from + count − 1 of one page, one a row.</summary>
    /// <param name="scratch">Page × headSize values, where they are not stored as floats.</param>
    public abstract ReadOnlySpan<float> Values(int from, int count, Span<float> scratch);

    /// <summary>scores[r, j] = query r · key from + j, j less than count, within one page; from is a multiple of 16. Meant for few queries.</summary>
    /// <param name="queries">Rows of headSize values.</param>
    /// <param name="scores">Rows of <paramref name="stride"/> values, at least <see cref="AttentionKernels.WholeTiles"/> of count.</param>
    public abstract void Scores(ReadOnlySpan<float> queries, int from, int count, Span<float> scores, int stride);

    /// <summary>output r = Σ weights[r, j] · value from + j over count positions of one page. Meant for few rows.</summary>
    /// <param name="weights">Rows of <paramref name="stride"/> values; may be overwritten.</param>
    /// <param name="output">Rows of headSize values.</param>
    public abstract void WeightedValues(Span<float> weights, int stride, int from, int count, Span<float> output);

    private protected abstract void ResizeFirst(int positions);

    private protected abstract void AddPage();

    /// <summary>Puts the page at <paramref name="from"/> behind the last one; nothing stays in its place.</summary>
    private protected abstract void MovePage(int from);

    private protected static void Move<T>(List<T[]> pages, int from)
    {
        pages.Add(pages[from]);
        pages[from] = [];
    }

    /// <summary>Where a position's key begins among the numbers of its page; features follow at a distance of 16.</summary>
    private protected int KeyAt(int position) => position % Page / Tile * Tile * HeadSize + position % Tile;

    private protected static void Thin<T, TNumbers>(ReadOnlySpan<float> queries, int size, ReadOnlySpan<T> tiles, int count, Span<float> scores, int stride)
        where T : unmanaged where TNumbers : struct, IStoredNumbers<T>
    {
        for (int first = 0; first < count; first += Tile)
        {
            ThinProduct<T, TNumbers>.Multiply(queries.Length / size, size, queries, size, tiles.Slice(first * size, Tile * size), Tile,
                scores[first..], stride, add: false);
        }
    }

    private protected static void Weigh<T, TNumbers>(ReadOnlySpan<float> weights, int stride, int count, ReadOnlySpan<T> values, int size, Span<float> output)
        where T : unmanaged where TNumbers : struct, IStoredNumbers<T>
    {
        int rows = output.Length / size, panels = size / Tile * Tile;
        for (int column = 0; column < panels; column += Tile)
            ThinProduct<T, TNumbers>.Multiply(rows, count, weights, stride, values[column..], size, output[column..], size, add: false);
        for (int r = 0; r < rows && panels < size; r++)
        {
            var rest = output.Slice(r * size + panels, size - panels);
            rest.Clear();
            for (int j = 0; j < count; j++)
                for (int d = 0; d < rest.Length; d++) rest[d] += weights[r * stride + j] * TNumbers.ToSingle(values[j * size + panels + d]);
        }
    }
}
