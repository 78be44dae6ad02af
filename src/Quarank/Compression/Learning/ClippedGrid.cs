using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>
/// Ŵ = s · (clamp(round(w / s) + z, 0, q) − z) with s = (max′ − min′) / q, z = round(−min′ / s), min′ = σ(β) · min, max′ = σ(γ) · max (times what makes a fitted range the first one),
/// q = 2ᵇ − 1; without zero-points one γ for both ends. Both roundings pass gradients on as if they were not there (<see cref="RangeEnds"/>). To w itself they pass within the range, and from each end to the weight that it is a part of.
/// </summary>
internal sealed class ClippedGrid : FollowingLayer
{
    private const int Piece = 16;

    private const double Paper = 4, Fitted = 2;      // σ(4) = 0.982 of the whole range is where the paper begins

    private readonly GridFormat _format;
    private readonly double[] _min, _max, _reachMin, _reachMax;
    private readonly int[] _least, _most;        // the weights that are the ends, within their groups; −1: none is
    private readonly bool _clips;
    private readonly ScalarGrid[] _grids;
    private readonly int _group, _groups;

    private Matrix<float> _weight;

    /// <param name="fitted">The start's grids are where ranges begin; else, as in the paper, a little within the whole range.</param>
    /// <param name="clips">Whether β and γ are learned.</param>
    public ClippedGrid(StartingPoint start, GridFormat format, bool fitted = false, bool clips = true)
    {
        var weight = start.Weight;
        (_weight, _format, _clips) = (weight, format, clips);
        (_groups, _group) = (format.GroupsOf(weight.Columns), format.GroupSize == 0 ? weight.Columns : format.GroupSize);
        int count = weight.Rows * _groups;
        (_min, _max, _least, _most) = (new double[count], new double[count], new int[count], new int[count]);
        (_reachMin, _reachMax) = (new double[count], new double[count]);
        (_grids, Beta, Gamma) = (new ScalarGrid[count], new(count), new(count));
        FindEnds();
        Array.Fill(Beta.Values, (float)(fitted ? Fitted : Paper));
        Array.Fill(Gamma.Values, (float)(fitted ? Fitted : Paper));
        double part = RangeEnds.Sigmoid(Fitted);
        for (int k = 0; k < count; k++)
        {
            var grid = start.Grids[k];
            double top = grid.Scale * (Symmetric ? grid.MaxCode / 2.0 : grid.MaxCode - grid.Zero);
            _reachMin[k] = fitted && _min[k] < 0 ? grid.Scale * grid.Zero / (-_min[k] * part) : 1;
            _reachMax[k] = fitted && _max[k] > 0 ? top / (_max[k] * part) : 1;
        }
    }

    /// <summary>Of the lower ends, group by group.</summary>
    internal LearnedNumbers Beta { get; }

    /// <summary>Of the upper ends; of both, without zero-points.</summary>
    internal LearnedNumbers Gamma { get; }

    public override IEnumerable<LearnedNumbers> Numbers => !_clips ? [] : Symmetric ? [Gamma] : [Beta, Gamma];

    private bool Symmetric => _format.Offset == GridOffset.None;

    public override Matrix<float> Weight => _weight;

    public override void Follow(Matrix<float> weight)
    {
        _weight = weight;
        FindEnds();
    }

    public override void Decode(Matrix<float> weight) => ForEach(k =>
    {
        double max = RangeEnds.Sigmoid(Gamma.Values[k]) * _reachMax[k] * _max[k], min = Symmetric ? -max : RangeEnds.Sigmoid(Beta.Values[k]) * _reachMin[k] * _min[k];
        // The ends say the grid exactly: it is that of the smallest and the largest weight.
        var grid = _grids[k] = ScalarGrid.Fit(_format, GridRange.MinMax, [min, max]);
        ReadOnlySpan<float> from = Part(_weight, k);
        var to = Part(weight, k);
        for (int j = 0; j < from.Length; j++) to[j] = (float)grid.Value(grid.Code(from[j]));
    });

    public override void Move(Matrix<float> gradient, AdamStep step)
    {
        ForEach(k => Slopes(k, Part(gradient, k)));
        if (!_clips) return;
        Gamma.Move(step);
        if (!Symmetric) Beta.Move(step);
    }

    public override Linear ToLinear()
    {
        Decode(new(_weight.Rows, _weight.Columns));
        var codes = new GridCodes(_format, GridRange.MinMax, _weight.Rows, _weight.Columns);
        for (int k = 0; k < _grids.Length; k++)
        {
            codes.SetGrid(k, _grids[k]);
            var row = codes.Row(k / _groups)[(k % _groups * _group)..];
            var w = Part(_weight, k);
            for (int j = 0; j < w.Length; j++) row[j] = (byte)_grids[k].Code(w[j]);
        }
        return codes.ToLinear();
    }

    // Fills the gradients of β and γ, and makes that of Ŵ one of W.
    private void Slopes(int k, Span<float> gradient)
    {
        ReadOnlySpan<float> w = Part(_weight, k);
        var grid = _grids[k];
        var (byMin, byMax) = RangeEnds.Slopes(grid, Symmetric, w, gradient);
        double gamma = RangeEnds.Sigmoid(Gamma.Values[k]), beta = RangeEnds.Sigmoid(Beta.Values[k]);
        if (Symmetric) byMax -= byMin;     // one end, mirrored
        (byMin, byMax) = (byMin * _reachMin[k] * beta, byMax * _reachMax[k] * gamma);
        if (!Symmetric) Beta.Gradient[k] = (float)(byMin * _min[k] * (1 - beta));
        Gamma.Gradient[k] = (float)(byMax * _max[k] * (1 - gamma));

        for (int j = 0; j < w.Length; j++)
        {
            double code = Math.Round(w[j] / grid.Scale) + grid.Zero;
            if (code < 0 || code > grid.MaxCode) gradient[j] = 0;
        }
        if (_most[k] >= 0) gradient[_most[k]] += (float)(byMax * (Symmetric ? Math.Sign(w[_most[k]]) : 1));
        if (_least[k] >= 0 && !Symmetric) gradient[_least[k]] += (float)byMin;
    }

    private void FindEnds() => ForEach(k =>
    {
        ReadOnlySpan<float> w = Part(_weight, k);
        int least = TensorPrimitives.IndexOfMin(w), most = Symmetric ? TensorPrimitives.IndexOfMaxMagnitude(w) : TensorPrimitives.IndexOfMax(w);
        (_least[k], _most[k]) = (w[least] < 0 ? least : -1, Symmetric ? w[most] != 0 ? most : -1 : w[most] > 0 ? most : -1);
        (_min[k], _max[k]) = (Math.Min(0, w[least]), Symmetric ? Math.Abs(w[most]) : Math.Max(0, w[most]));
        if (Symmetric) _min[k] = -_max[k];
        if (_min[k] == 0 && _max[k] == 0) (_min[k], _max[k]) = (-1, 1);
    });

    private void ForEach(Action<int> body) => Threads.For((_grids.Length + Piece - 1) / Piece, p =>
    {
        for (int k = p * Piece; k < Math.Min(_grids.Length, (p + 1) * Piece); k++) body(k);
    });

    private Span<float> Part(Matrix<float> m, int k)
    {
        int start = k % _groups * _group;
        return m.Row(k / _groups).Slice(start, Math.Min(_group, m.Columns - start));
    }
}
