using System.Numerics.Tensors;
using Quarank.Numerics;
using Quarank.Numerics.Kernels;

namespace Quarank.Compression.Rounding;

/// <summary>
/// Block LDLQ (Tseng et al. 2024, arXiv:2402.04396) with any rounder: blocks of columns from the last to the first, each given the feedback of those after
/// it and rounded; then passes of block coordinate descent. Rows do not see one another.
/// </summary>
/// <remarks>
/// A rounder offers its nearest answer, which is not always the one that loses least: that is judged in the norm of the block's own square of D (in descent:
/// of H), and descent leaves a block as it is where nothing offered is better, so that no pass can raise the loss. Columns of some rows lie one after the
/// other. A step against the gradient in that norm, from where a block is, gives other points to offer. What a panel of columns gets from all outside it is one product; within the panel a block waits for the others.
/// </remarks>
/// <param name="passes">Of descent, after the feedback pass; needs the descent matrix. They end early for rows that stay as they are.</param>
/// <param name="always">Descent takes the first answer even where it raises the loss, as the paper does.</param>
internal sealed class BlockRounding(IBlockRounder rounder, BlockFeedback feedback, int passes, bool always = false)
{
    private const int Panel = 128, RowChunk = 192, Lane = 16, Looks = 1;
    private readonly int _width = feedback.Width, _columns = feedback.Order, _panel = Math.Max(1, Panel / feedback.Width) * feedback.Width;

    /// <summary>
    /// Rounds <paramref name="target"/>, already in the rounder's units, to codes, one a block, row by row, and returns what they stand for. Columns may be
    /// fewer than the feedback's: the rest of the last block is zero.
    /// </summary>
    /// <param name="start">Codes and what they stand for, from which descent begins in the place of the feedback pass.</param>
    public (ulong[] Codes, Matrix<float> Values) Round(Matrix<float> target, (ulong[] Codes, Matrix<float> Values)? start = null)
    {
        if (rounder.Width != _width) throw new ArgumentException($"Blocks of {rounder.Width} columns do not fit a feedback of {_width}.");
        int blocks = _columns / _width;
        var codes = new ulong[target.Rows * blocks];
        var values = new Matrix<float>(target.Rows, target.Columns);
        // Rounders of many rows have enough to do with them.
        int chunk = rounder.Rows > Lane ? rounder.Rows : RowChunk;
        Threads.For((target.Rows + chunk - 1) / chunk, c =>
        {
            int first = c * chunk, count = Math.Min(chunk, target.Rows - first);
            var rows = new Rows(this, count);
            rows.Take(target, first);
            if (start is { } known) rows.Take(known.Codes, known.Values, first);
            else rows.Feedback();
            for (int pass = 0; pass < passes && rows.Descend(); pass++) { }
            rows.Put(codes, values, first);
        });
        return (codes, values);
    }

    private BlockFeedback Squares => feedback;
    private IBlockRounder Rounder => rounder;
    private bool Always => always;

    private sealed class Rows
    {
        private readonly BlockRounding _rounding;
        private readonly int _count, _stride, _width, _columns, _choices, _looks;

        // Columns not rounded yet hold their targets in the errors, the others what rounding has left of them.
        private readonly float[] _errors, _values, _panel, _change, _offered, _ahead, _least, _other;
        private readonly ulong[] _codes, _offeredCodes;
        private bool _moved;

        public Rows(BlockRounding rounding, int count)
        {
            int lane = Math.Max(Lane, rounding.Rounder.Rows);
            (_rounding, _count, _stride) = (rounding, count, (count + lane - 1) / lane * lane);
            (_width, _columns, _choices) = (rounding._width, rounding._columns, rounding.Rounder.Choices);
            (_errors, _values) = (new float[_columns * _stride], new float[_columns * _stride]);
            (_panel, _change) = (new float[rounding._panel * _stride], new float[rounding._panel * _stride]);
            (_offered, _least, _other) = (new float[_choices * _width * _stride], new float[_stride], new float[_stride]);
            _ahead = new float[_width * _stride];
            _looks = rounding.Always || rounding.Rounder.Weighs ? 0 : Looks;
            (_codes, _offeredCodes) = (new ulong[_columns / _width * _stride], new ulong[_choices * _stride]);
        }

        public void Take(Matrix<float> target, int first)
        {
            for (int i = 0; i < _count; i++)
            {
                var row = target.Row(first + i);
                for (int j = 0; j < row.Length; j++) _errors[j * _stride + i] = row[j];
            }
        }

        public void Take(ulong[] codes, Matrix<float> values, int first)
        {
            int blocks = _columns / _width;
            for (int i = 0; i < _count; i++)
            {
                var row = values.Row(first + i);
                for (int j = 0; j < row.Length; j++) _values[j * _stride + i] = row[j];
                for (int k = 0; k < blocks; k++) _codes[k * _stride + i] = codes[(first + i) * blocks + k];
            }
            TensorPrimitives.Subtract<float>(_errors, _values, _errors);
        }

        public void Put(ulong[] codes, Matrix<float> values, int first)
        {
            int blocks = _columns / _width;
            for (int i = 0; i < _count; i++)
            {
                var row = values.Row(first + i);
                for (int j = 0; j < row.Length; j++) row[j] = _values[j * _stride + i];
                for (int k = 0; k < blocks; k++) codes[(first + i) * blocks + k] = _codes[k * _stride + i];
            }
        }

        public void Feedback()
        {
            var upper = _rounding.Squares.Upper;
            for (int begin = (_columns - 1) / _rounding._panel * _rounding._panel; begin >= 0; begin -= _rounding._panel)
            {
                int size = Math.Min(_rounding._panel, _columns - begin), end = begin + size;
                _errors.AsSpan(begin * _stride, size * _stride).CopyTo(_panel);
                if (end < _columns)
                    LinearAlgebra.Gemm(false, false, size, _stride, _columns - end, 1, upper.Data[(begin * _columns + end)..], _columns,
                        _errors.AsSpan(end * _stride), _stride, 1, _panel, _stride);
                for (int k = size - _width; k >= 0; k -= _width)
                {
                    int later = k + _width;
                    Add(upper, begin + k, begin + later, size - later, _errors.AsSpan((begin + later) * _stride), k);
                    Round(begin, k, _rounding.Squares.PivotRoots, false);
                }
            }
        }

        /// <summary>Whether anything has changed.</summary>
        public bool Descend()
        {
            var descent = _rounding.Squares.Descent!;
            _moved = false;
            for (int begin = (_columns - 1) / _rounding._panel * _rounding._panel; begin >= 0; begin -= _rounding._panel)
            {
                int size = Math.Min(_rounding._panel, _columns - begin);
                _values.AsSpan(begin * _stride, size * _stride).CopyTo(_panel);
                LinearAlgebra.Gemm(false, false, size, _stride, _columns, 1, descent.Data[(begin * _columns)..], _columns, _errors, _stride, 1, _panel, _stride);
                for (int k = size - _width; k >= 0; k -= _width)
                {
                    int later = k + _width;
                    Add(descent, begin + k, begin + later, size - later, _change.AsSpan(later * _stride), k);
                    Round(begin, k, _rounding.Squares.SquareRoots, true);
                }
            }
            return _moved;
        }

        // What a block gets from the columns behind it in its panel.
        private void Add(Matrix<float> factors, int row, int column, int count, ReadOnlySpan<float> errors, int k)
        {
            if (count > 0) BlockKernels.AddProduct(_width, count, factors.Data[(row * _columns + column)..], _columns, errors, _panel.AsSpan(k * _stride), _stride);
        }

        private void Round(int begin, int k, float[] roots, bool rounded)
        {
            int size = _width * _stride;
            Span<float> target = _panel.AsSpan(k * _stride, size), value = _values.AsSpan((begin + k) * _stride, size),
                error = _errors.AsSpan((begin + k) * _stride, size), change = _change.AsSpan(k * _stride, size);
            var codes = _codes.AsSpan((begin + k) / _width * _stride, _stride);
            // Values are zero before the first pass, so that the error moves by what they move.
            value.CopyTo(change);
            var root = roots.AsSpan((begin + k) * _width, _width * _width);
            _rounding.Rounder.Round(target, _stride, _count, root, _offered, _offeredCodes);
            bool kept = rounded && !_rounding.Always;
            if (!kept)
            {
                _offered.AsSpan(0, size).CopyTo(value);
                _offeredCodes.AsSpan(0, _stride).CopyTo(codes);
            }
            Measure(root, target, value, _least);
            TakeBetter(kept ? 0 : 1, root, target, value, codes);
            for (int look = 0; look < _looks; look++)
            {
                BlockKernels.Ahead(_width, root, target, value, _stride, _ahead);
                _rounding.Rounder.Round(_ahead, _stride, _count, root, _offered, _offeredCodes);
                TakeBetter(0, root, target, value, codes);
            }
            TensorPrimitives.Subtract<float>(change, value, change);
            TensorPrimitives.Add<float>(error, change, error);
            _moved |= rounded && change.ContainsAnyExcept(0f);
        }

        private void TakeBetter(int first, ReadOnlySpan<float> root, ReadOnlySpan<float> target, Span<float> value, Span<ulong> codes)
        {
            for (int c = first; c < _choices; c++)
            {
                var offered = _offered.AsSpan(c * value.Length, value.Length);
                Measure(root, target, offered, _other);
                BlockKernels.TakeBetter(_width, _stride, _least, _other, value, offered, codes, _offeredCodes.AsSpan(c * _stride, _stride));
            }
        }

        // Rows that share what is stored are measured together.
        private void Measure(ReadOnlySpan<float> root, ReadOnlySpan<float> target, ReadOnlySpan<float> value, float[] distances)
        {
            BlockKernels.Distances(_width, root, target, value, _stride, distances);
            int together = _rounding.Rounder.Rows;
            for (int i = 0; together > 1 && i < _stride; i += together) distances.AsSpan(i, together).Fill(TensorPrimitives.Sum<float>(distances.AsSpan(i, together)));
        }
    }
}
