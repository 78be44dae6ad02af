using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Rounding;

/// <summary>
/// OmniQuant's learned weight clipping (Shao et al. 2023, arXiv:2308.13137; spec §6.4): the ends of each group's range are σ(β) · min and σ(γ) · max, with β and γ
/// learned by Adam. The paper descends on a block's outputs, batch by batch; here the loss is the layer's own on all calibration tokens,
/// tr(Δ H Δᵀ), whose gradient 2 Δ H is exact, so that a hundred steps do. Rounding passes gradients on as if it were not there.
/// </summary>
/// <remarks>
/// Rows do not see one another. Each starts from the clip search of its groups and keeps the best of all grids met, the min–max grid and that of
/// the clip search among them.
/// </remarks>
internal static class LearnedRange
{
    private const int Steps = 100, Chunk = 64;
    private const double Rate = 0.05, FirstMoment = 0.9, SecondMoment = 0.999, Start = 4;   // σ(4) = 0.982, where the paper starts

    /// <summary>The grids of all groups, row by row.</summary>
    public static ScalarGrid[] Fit(Matrix<float> weight, Matrix<double> gram, GridFormat format)
    {
        var h = RangeChoice.Single(gram);
        int groups = format.GroupsOf(weight.Columns);
        var grids = new ScalarGrid[weight.Rows * groups];
        Threads.For((weight.Rows + Chunk - 1) / Chunk, c =>
            new Rows(weight, h, format, c * Chunk, Math.Min(Chunk, weight.Rows - c * Chunk)).Learn(grids.AsSpan(c * Chunk * groups)));
        return grids;
    }

    // Ends are numbered row by row, group by group: β of the smallest, γ of the largest.
    private sealed class Rows
    {
        private readonly Matrix<float> _weight, _h;
        private readonly GridFormat _format;
        private readonly int _first, _count, _groups, _size;
        private readonly double[] _min, _max, _beta, _gamma, _least;
        private readonly ScalarGrid[] _tried, _best;
        private readonly float[] _errors, _slopes;

        public Rows(Matrix<float> weight, Matrix<float> h, GridFormat format, int first, int count)
        {
            (_weight, _h, _format, _first, _count) = (weight, h, format, first, count);
            (_groups, _size) = (format.GroupsOf(weight.Columns), format.GroupSize == 0 ? weight.Columns : format.GroupSize);
            int ends = count * _groups;
            (_min, _max, _beta, _gamma, _least) = (new double[ends], new double[ends], new double[ends], new double[ends], new double[count]);
            (_tried, _best) = (new ScalarGrid[ends], new ScalarGrid[ends]);
            (_errors, _slopes) = (new float[count * weight.Columns], new float[count * weight.Columns]);
            _least.AsSpan().Fill(double.PositiveInfinity);
        }

        public void Learn(Span<ScalarGrid> grids)
        {
            Begin(GridRange.MinMax);
            Measure();
            Begin(GridRange.Clip);
            Measure();
            var (first, second) = (new double[2 * _beta.Length], new double[2 * _beta.Length]);
            for (int t = 1; t <= Steps; t++)
            {
                for (int k = 0; k < _tried.Length; k++) _tried[k] = ScalarGrid.Spanning(_format, RangeEnds.Sigmoid(_beta[k]) * _min[k], RangeEnds.Sigmoid(_gamma[k]) * _max[k]);
                Measure();
                Descend(t, first, second);
            }
            _best.CopyTo(grids);
        }

        // The range's own grids, and the ends at which gradients begin: where it put them, but no further out than the paper begins.
        private void Begin(GridRange range)
        {
            var w = new double[_size];
            for (int k = 0; k < _tried.Length; k++)
            {
                int begin = k % _groups * _size;
                var row = _weight.Row(_first + k / _groups);
                var values = w.AsSpan(0, Math.Min(_size, row.Length - begin));
                TensorPrimitives.ConvertTruncating<float, double>(row.Slice(begin, values.Length), values);
                _tried[k] = ScalarGrid.Fit(_format, range, values);
                (_min[k], _max[k]) = ScalarGrid.Ends(_format, values);
                double most = RangeEnds.Sigmoid(Start);
                _beta[k] = _gamma[k] = RangeEnds.Logit(_max[k] <= _min[k] ? most : _tried[k].Scale * _format.MaxCode / (_max[k] - _min[k]), most);
            }
        }

        // Losses of the grids at hand, and 2 Δ H.
        private void Measure()
        {
            int n = _weight.Columns;
            for (int k = 0; k < _tried.Length; k++)
            {
                int begin = k % _groups * _size, length = Math.Min(_size, n - begin);
                _tried[k].Errors(_weight.Row(_first + k / _groups).Slice(begin, length), _errors.AsSpan(k / _groups * n + begin, length));
            }
            LinearAlgebra.Gemm(false, false, _count, n, n, 2, _errors, n, _h.Data, n, 0, _slopes, n);
            for (int i = 0; i < _count; i++)
            {
                double loss = TensorPrimitives.Dot<float>(_errors.AsSpan(i * n, n), _slopes.AsSpan(i * n, n));
                if (!(loss < _least[i])) continue;
                _least[i] = loss;
                _tried.AsSpan(i * _groups, _groups).CopyTo(_best.AsSpan(i * _groups));
            }
        }

        private void Descend(int t, double[] first, double[] second)
        {
            double rate = Rate * (1 - (t - 1.0) / Steps);
            double one = 1 - Math.Pow(FirstMoment, t), two = 1 - Math.Pow(SecondMoment, t);
            for (int k = 0; k < _tried.Length; k++)
            {
                var (byMin, byMax) = Slopes(k);
                var (low, high) = (RangeEnds.Sigmoid(_beta[k]), RangeEnds.Sigmoid(_gamma[k]));
                if (_format.Offset == GridOffset.None) byMax -= byMin;      // one end, mirrored
                else Step(2 * k, byMin * _min[k] * low * (1 - low), ref _beta[k]);
                Step(2 * k + 1, byMax * _max[k] * high * (1 - high), ref _gamma[k]);
                if (_format.Offset == GridOffset.None) _beta[k] = _gamma[k];
            }

            void Step(int at, double slope, ref double value)
            {
                first[at] = FirstMoment * first[at] + (1 - FirstMoment) * slope;
                second[at] = SecondMoment * second[at] + (1 - SecondMoment) * slope * slope;
                if (second[at] > 0) value -= rate * (first[at] / one) / Math.Sqrt(second[at] / two);
            }
        }

        private (double ByMin, double ByMax) Slopes(int k)
        {
            int n = _weight.Columns, begin = k % _groups * _size, length = Math.Min(_size, n - begin);
            return RangeEnds.Slopes(_tried[k], _format.Offset == GridOffset.None, _weight.Row(_first + k / _groups).Slice(begin, length), _slopes.AsSpan(k / _groups * n + begin, length));
        }
    }
}
