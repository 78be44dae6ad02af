using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>
/// Ŵ = s · (clamp(round(w / s) + z, 0, q) − z) with s = (max′ − min′) / q, z = round(−min′ / s), min′ = σ(β) · min, max′ = σ(γ) · max,
/// q = 2ᵇ − 1; without zero-points one γ for both ends. Both roundings pass gradients on as if they were not there. With u = w / s:
/// inside ∂Ŵ/∂s = round(u) − u; at the lower end Ŵ = −s z, at the upper s (q − z), so there ∂Ŵ/∂z = −s too, and −min′ / s passes it on.
/// </summary>
internal sealed class ClippedGrid : LearnedLayer
{
    private const int Piece = 16;
    private const double Start = 4;     // σ(4) = 0.982: near the whole range

    private readonly Matrix<float> _weight;
    private readonly GridFormat _format;
    private readonly double[] _min, _max;
    private readonly ScalarGrid[] _grids;
    private readonly int _group, _groups;

    public ClippedGrid(Matrix<float> weight, GridFormat format)
    {
        (_weight, _format) = (weight, format);
        (_groups, _group) = (format.GroupsOf(weight.Columns), format.GroupSize == 0 ? weight.Columns : format.GroupSize);
        int count = weight.Rows * _groups;
        (_min, _max, _grids, Beta, Gamma) = (new double[count], new double[count], new ScalarGrid[count], new(count), new(count));
        for (int k = 0; k < count; k++)
        {
            var w = Part(weight, k);
            (_min[k], _max[k]) = (Math.Min(0, TensorPrimitives.Min<float>(w)), Math.Max(0, TensorPrimitives.Max<float>(w)));
            if (_min[k] == 0 && _max[k] == 0) (_min[k], _max[k]) = (-1, 1);
            if (Symmetric) (_min[k], _max[k]) = (-Math.Max(-_min[k], _max[k]), Math.Max(-_min[k], _max[k]));
        }
        Array.Fill(Beta.Values, (float)Start);
        Array.Fill(Gamma.Values, (float)Start);
    }

    /// <summary>Of the lower ends, group by group.</summary>
    internal LearnedNumbers Beta { get; }

    /// <summary>Of the upper ends; of both, without zero-points.</summary>
    internal LearnedNumbers Gamma { get; }

    public override IEnumerable<LearnedNumbers> Numbers => Symmetric ? [Gamma] : [Beta, Gamma];

    private bool Symmetric => _format.Offset == GridOffset.None;

    public override void Decode(Matrix<float> weight) => ForEach(k =>
    {
        double max = Sigmoid(Gamma.Values[k]) * _max[k], min = Symmetric ? -max : Sigmoid(Beta.Values[k]) * _min[k];
        // The ends say the grid exactly: it is that of the smallest and the largest weight.
        var grid = _grids[k] = ScalarGrid.Fit(_format, GridRange.MinMax, [min, max]);
        ReadOnlySpan<float> from = Part(_weight, k);
        var to = Part(weight, k);
        for (int j = 0; j < from.Length; j++) to[j] = (float)grid.Value(grid.Code(from[j]));
    });

    public override void Move(Matrix<float> gradient, AdamStep step)
    {
        ForEach(k => Slopes(k, Part(gradient, k)));
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

    private void Slopes(int k, ReadOnlySpan<float> gradient)
    {
        double s = _grids[k].Scale, z = _grids[k].Zero, q = _format.MaxCode, bySize = 0, byZero = 0;
        ReadOnlySpan<float> w = Part(_weight, k);
        for (int j = 0; j < w.Length; j++)
        {
            double u = w[j] / s, code = Math.Round(u) + z, end = Math.Clamp(code, 0, q);
            bySize += gradient[j] * (code == end ? code - z - u : end - z);
            if (code != end) byZero -= gradient[j] * s;
        }
        double gamma = Sigmoid(Gamma.Values[k]), beta = Sigmoid(Beta.Values[k]);
        if (Symmetric)
        {
            Gamma.Gradient[k] = (float)(bySize * 2 / q * _max[k] * gamma * (1 - gamma));
            return;
        }
        bySize += byZero * beta * _min[k] / (s * s);     // z = −min′ / s
        Gamma.Gradient[k] = (float)(bySize / q * _max[k] * gamma * (1 - gamma));
        Beta.Gradient[k] = (float)((-bySize / q - byZero / s) * _min[k] * beta * (1 - beta));
    }

    private void ForEach(Action<int> body) => Threads.For((_grids.Length + Piece - 1) / Piece, p =>
    {
        for (int k = p * Piece; k < Math.Min(_grids.Length, (p + 1) * Piece); k++) body(k);
    });

    private Span<float> Part(Matrix<float> m, int k)
    {
        int start = k % _groups * _group;
        return m.Row(k / _groups).Slice(start, Math.Min(_group, m.Columns - start));
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
