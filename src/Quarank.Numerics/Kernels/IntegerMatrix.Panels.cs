using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Quarank.Numerics.Kernels;

/// <summary>Many tokens: rows are unpacked into panels of sixteen, which every token meets in registers.</summary>
public sealed unsafe partial class IntegerMatrix
{
    private const int TokensTogether = 48;

    // Panels of bytes are twice as large as those of nibbles, and tokens too: one alone leaves room for them in the second cache.
    private int PanelsTogether => _bits == 8 ? 1 : 4;

    [ThreadStatic] private static TokenCodes? t_many;

    /// <summary>Many tokens, one a row: y = x̂ Wᵀ, bit for bit what each token alone gives. x is tokens × Columns, y tokens × Rows.</summary>
    public void Multiply(InputRounder input, Matrix<float> x, Matrix<float> y)
    {
        Check(x.Columns, y.Columns);
        if (x.Rows != y.Rows) throw new ArgumentException($"{x.Rows} tokens do not give {y.Rows}.", nameof(y));
        if (x.Rows < 4)
        {
            for (int t = 0; t < x.Rows; t++) Multiply(input, x.Row(t), y.Row(t));
            return;
        }
        var tokens = t_many ??= new();
        int unit = UnitSize(input.Grid);
        tokens.Prepare(x.Rows, Columns, unit, _bits == 8);
        Threads.For(x.Rows, (tokens, x, input, _bits), static (t, job) => job.tokens.Fill(t, job.x.Row(t), job.input, job._bits == 8));
        int rows = IntegerPanel.Rows * PanelsTogether;
        Threads.For((Rows + rows - 1) / rows, (Matrix: this, tokens, unit, y, rows), static (i, job) => job.Matrix.SomeRows(job.tokens, job.unit, i * job.rows, job.y));
    }

    // The panels of some rows, one after the other against as many tokens as stay in the cache.
    private void SomeRows(TokenCodes tokens, int unit, int first, Matrix<float> y)
    {
        int count = Math.Min(PanelsTogether, (Rows - first + IntegerPanel.Rows - 1) / IntegerPanel.Rows);
        var panels = new IntegerPanel[count];
        for (int p = 0; p < count; p++)
        {
            panels[p] = new IntegerPanel(tokens.Stride, tokens.Units, unit, _bits == 8);
            Unpack(panels[p], first + p * IntegerPanel.Rows, tokens.Units, unit);
        }
        for (int from = 0; from < y.Rows; from += TokensTogether)
            foreach (var (p, panel) in panels.Index())
                panel.Multiply(tokens, from, Math.Min(TokensTogether, y.Rows - from), y, first + p * IntegerPanel.Rows);
        foreach (var panel in panels) panel.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Unpack(IntegerPanel panel, int first, int units, int unit)
    {
        Span<byte> codes = stackalloc byte[Columns <= 8192 ? Columns : 0];
        if (codes.IsEmpty) codes = new byte[Columns];
        for (int r = 0; r < IntegerPanel.Rows && first + r < Rows; r++)
        {
            int i = first + r;
            BitPacking.Unpack(_codes.AsSpan(i * _bytesPerRow, _bytesPerRow), _bits, codes);
            panel.Put(r, codes);
            for (int u = 0; u < units; u++)
            {
                int begin = u * unit, group = i * _groups + (_groupSize == 0 ? 0 : begin / _groupSize);
                panel.PutUnit(r, u, _scales[group], ZeroOf(group), Math.Min(begin + unit, Columns) - begin, codes[begin..Math.Min(begin + unit, Columns)]);
            }
        }
    }
}
