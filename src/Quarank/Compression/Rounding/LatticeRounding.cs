using System.Numerics.Tensors;
using Quarank.Numerics;
using Quarank.Numerics.Lattice;

namespace Quarank.Compression.Rounding;

/// <summary>
/// Block LDLQ (Tseng et al. 2024, arXiv:2402.04396): groups of eight columns from the last to the first, each given the feedback of those after it and
/// rounded to the nearest point of a lattice; then passes of block coordinate descent over the same groups. Rows do not see one another.
/// </summary>
/// <remarks>What a panel of columns gets from all outside it is one product; within the panel a group waits for the others.</remarks>
/// <param name="passes">Of descent, after the feedback pass; needs the descent matrix.</param>
internal sealed class LatticeRounding(LatticeBook book, BlockFeedback feedback, int passes)
{
    private const int Group = BlockFeedback.Group, Panel = 128, RowChunk = 96;
    private readonly LatticeBook _book = book;
    private readonly BlockFeedback _feedback = feedback;
    private readonly int _columns = feedback.Lower.Rows;

    /// <summary>
    /// Rounds <paramref name="target"/>, already in the book's units, to codes, row by row, and returns what they stand for. Columns may be fewer than
    /// the feedback's: the rest of the last group is zero.
    /// </summary>
    public (uint[] Codes, Matrix<float> Values) Round(Matrix<float> target)
    {
        int groups = _columns / Group;
        var codes = new uint[target.Rows * groups];
        var values = new Matrix<float>(target.Rows, target.Columns);
        Threads.For((target.Rows + RowChunk - 1) / RowChunk, c =>
        {
            int first = c * RowChunk, count = Math.Min(RowChunk, target.Rows - first);
            var rows = new Rows(this, count);
            for (int i = 0; i < count; i++) target.Row(first + i).CopyTo(rows.Errors.AsSpan(i * _columns));
            rows.Feedback();
            for (int pass = 0; pass < passes; pass++) rows.Descend();
            rows.Codes.CopyTo(codes, first * groups);
            for (int i = 0; i < count; i++) rows.Values.AsSpan(i * _columns, target.Columns).CopyTo(values.Row(first + i));
        });
        return (codes, values);
    }

    private sealed class Rows(LatticeRounding rounding, int count)
    {
        private readonly int _columns = rounding._columns;
        private readonly float[] _panel = new float[count * Panel], _change = new float[count * Panel];

        // Columns not rounded yet hold their targets, the others what rounding has left of them.
        public float[] Errors { get; } = new float[count * rounding._columns];
        public float[] Values { get; } = new float[count * rounding._columns];
        public uint[] Codes { get; } = new uint[count * rounding._columns / Group];

        public void Feedback()
        {
            var lower = rounding._feedback.Lower;
            for (int begin = (_columns - 1) / Panel * Panel; begin >= 0; begin -= Panel)
            {
                int width = Math.Min(Panel, _columns - begin), end = begin + width;
                Fill(Errors, begin, width);
                if (end < _columns) Add(Errors.AsSpan(end), _columns, _columns - end, lower.Data[(end * _columns + begin)..], width, 0);
                for (int k = width - Group; k >= 0; k -= Group)
                {
                    int later = begin + k + Group;
                    if (later < end) Add(Errors.AsSpan(later), _columns, end - later, lower.Data[(later * _columns + begin + k)..], Group, k);
                    RoundGroup(begin, k);
                }
            }
        }

        public void Descend()
        {
            var descent = rounding._feedback.Descent!;
            for (int begin = (_columns - 1) / Panel * Panel; begin >= 0; begin -= Panel)
            {
                int width = Math.Min(Panel, _columns - begin);
                Fill(Values, begin, width);
                Add(Errors, _columns, _columns, descent.Data[begin..], width, 0);
                for (int k = width - Group; k >= 0; k -= Group)
                {
                    int later = k + Group;
                    if (later < width) Add(_change.AsSpan(later), Panel, width - later, descent.Data[((begin + later) * _columns + begin + k)..], Group, k);
                    RoundGroup(begin, k);
                }
            }
        }

        private void Fill(float[] from, int begin, int width)
        {
            for (int i = 0; i < count; i++) from.AsSpan(i * _columns + begin, width).CopyTo(_panel.AsSpan(i * Panel));
        }

        // panel[:, k …] += a · b, a of some columns, b of as many rows of a matrix of this order.
        private void Add(ReadOnlySpan<float> a, int strideA, int inner, ReadOnlySpan<float> b, int width, int k) =>
            LinearAlgebra.Gemm(false, false, count, width, inner, 1f, a, strideA, b, _columns, 1f, _panel.AsSpan(k), Panel);

        private void RoundGroup(int begin, int k)
        {
            for (int i = 0; i < count; i++)
            {
                int at = i * _columns + begin + k;
                var value = Values.AsSpan(at, Group);
                var error = Errors.AsSpan(at, Group);
                var change = _change.AsSpan(i * Panel + k, Group);
                // Values are zero before the first pass, so that the error moves by what they move.
                value.CopyTo(change);
                Codes[at / Group] = rounding._book.Round(_panel.AsSpan(i * Panel + k, Group), value);
                TensorPrimitives.Subtract<float>(change, value, change);
                TensorPrimitives.Add<float>(error, change, error);
            }
        }
    }
}
