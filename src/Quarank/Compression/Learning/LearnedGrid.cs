using System.Numerics.Tensors;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>
/// Ŵ = s · clamp(round(W / S), −zero, 2ᵇ − 1 − zero), S = exp(log s + E): what FlexRound and LRQ share. s is learned, one a row or group and
/// as it is stored (float16); zero is fixed; E, the logarithm of a divisor of each weight, is each method's business. Rounding passes the
/// gradient on as if it were not there, clamping only inside its range. With u = W / S, n the clamped code, G the gradient of Ŵ:
/// ∂log s = Σ G s (n − [inside] u) + nothing else, ∂E = −[inside] G s u (spec §5.5).
/// </summary>
internal abstract class LearnedGrid : LearnedLayer
{
    private const int Piece = 16;     // rows

    private readonly GridFormat _format;
    private readonly ScalarGrid[] _grids;
    private readonly LearnedNumbers _logScales;
    private readonly Matrix<float> _ratios;       // E, then W / S
    private readonly int _group, _groups;

    /// <param name="start">W and the first grids; zero-points stay.</param>
    protected LearnedGrid(StartingPoint start, GridFormat format)
    {
        var weight = start.Weight;
        (Weight, _format, _grids) = (weight, format, start.Grids);
        (_groups, _group) = (format.GroupsOf(weight.Columns), format.GroupSize == 0 ? weight.Columns : format.GroupSize);
        _logScales = new(_grids.Length);
        _ratios = new(weight.Rows, weight.Columns);
        for (int k = 0; k < _grids.Length; k++) _logScales.Values[k] = (float)Math.Log(_grids[k].Scale);
    }

    /// <summary>W, or what GPTQ has moved it to.</summary>
    protected Matrix<float> Weight { get; }

    /// <summary>What E is made of.</summary>
    protected abstract IEnumerable<LearnedNumbers> Divisors { get; }

    public override IEnumerable<LearnedNumbers> Numbers => Divisors.Prepend(_logScales);

    /// <summary>E, Rows × Columns.</summary>
    protected abstract void LogDivisors(Matrix<float> logs);

    /// <summary>Moves what E is made of.</summary>
    /// <param name="slopes">∂E.</param>
    protected abstract void MoveDivisors(Matrix<float> slopes, AdamStep step);

    public override void Decode(Matrix<float> weight)
    {
        LogDivisors(_ratios);
        Threads.For((Weight.Rows + Piece - 1) / Piece, p =>
        {
            for (int i = p * Piece; i < Math.Min(Weight.Rows, (p + 1) * Piece); i++)
                for (int g = 0; g < _groups; g++) Decode(i, g, weight.Row(i));
        });
    }

    public override void Move(Matrix<float> gradient, AdamStep step)
    {
        Threads.For((Weight.Rows + Piece - 1) / Piece, p =>
        {
            for (int i = p * Piece; i < Math.Min(Weight.Rows, (p + 1) * Piece); i++)
                for (int g = 0; g < _groups; g++) Slopes(i, g, gradient.Row(i));
        });
        _logScales.Move(step);
        MoveDivisors(gradient, step);
    }

    public override Linear ToLinear()
    {
        var codes = new GridCodes(_format, GridRange.MinMax, Weight.Rows, Weight.Columns);
        LogDivisors(_ratios);
        var scratch = new Matrix<float>(Weight.Rows, Weight.Columns);
        Threads.For(Weight.Rows, i =>
        {
            for (int g = 0; g < _groups; g++)
            {
                int k = i * _groups + g, zero = _grids[k].Zero;
                codes.SetGrid(k, _grids[k] with { Scale = Scale(k) });
                Decode(i, g, scratch.Row(i));
                foreach (int j in Columns(g)) codes.Row(i)[j] = (byte)(Math.Clamp(MathF.Round(_ratios[i, j]), -zero, _format.MaxCode - zero) + zero);
            }
        });
        return codes.ToLinear();
    }

    private IEnumerable<int> Columns(int group) => Enumerable.Range(group * _group, Math.Min(_group, Weight.Columns - group * _group));

    /// <summary>s as it is stored.</summary>
    private float Scale(int k)
    {
        float scale = MathF.Exp(_logScales.Values[k]);
        return _format.Scales == ScaleType.Bits16 ? Math.Max((float)(Half)scale, (float)Half.Epsilon) : scale;
    }

    private void Decode(int i, int g, Span<float> row)
    {
        int k = i * _groups + g, start = g * _group, count = Math.Min(_group, Weight.Columns - start);
        Span<float> u = _ratios.Row(i).Slice(start, count), w = row.Slice(start, count);
        TensorPrimitives.Add(u, _logScales.Values[k], u);
        TensorPrimitives.Negate<float>(u, u);
        TensorPrimitives.Exp<float>(u, u);
        TensorPrimitives.Multiply(u, Weight.Row(i).Slice(start, count), u);
        TensorPrimitives.Round<float>(u, w);
        TensorPrimitives.Max<float>(w, -_grids[k].Zero, w);
        TensorPrimitives.Min<float>(w, _format.MaxCode - _grids[k].Zero, w);
        TensorPrimitives.Multiply(w, Scale(k), w);
    }

    private void Slopes(int i, int g, Span<float> row)
    {
        int k = i * _groups + g, start = g * _group, count = Math.Min(_group, Weight.Columns - start);
        float low = -_grids[k].Zero, high = _format.MaxCode - _grids[k].Zero, scale = Scale(k);
        ReadOnlySpan<float> u = _ratios.Row(i).Slice(start, count);
        var slopes = row.Slice(start, count);
        double sum = 0;
        for (int j = 0; j < u.Length; j++)
        {
            float code = MathF.Round(u[j]), clamped = Math.Clamp(code, low, high), inside = code == clamped ? u[j] : 0, d = slopes[j] * scale;
            sum += d * (clamped - inside);
            slopes[j] = -d * inside;
        }
        _logScales.Gradient[k] = (float)sum;
    }
}
