using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Numerics.Hadamard;

namespace Quarank.Pipeline.Transforms;

/// <summary>What is done to one tensor: W → (turn of outputs) W diag(gain) (turn of inputs)ᵀ.</summary>
internal sealed class RotationStep
{
    /// <summary>Of a norm before the layer; null: of ones.</summary>
    public double[]? Gain { get; init; }

    /// <summary>Of a bias: added before it is turned, W times the shift of the norm before the layer; null: nothing.</summary>
    public Func<double[]>? Shift { get; init; }

    /// <summary>Turns a row: what the layer reads, turned.</summary>
    public Action<Span<double>>? Inputs { get; init; }

    /// <summary>Turns a column (a bias, if the tensor is a vector): what the layer gives, turned.</summary>
    public Action<Span<double>>? Outputs { get; init; }

    /// <summary>All values become this one.</summary>
    public float? Constant { get; init; }

    /// <summary>Rows first … first + count − 1, made of the stored tensor.</summary>
    public float[] Run(StoredTensor tensor, int first, int count)
    {
        var values = new float[checked(count * tensor.Columns)];
        if (Constant is { } constant)
        {
            values.AsSpan().Fill(constant);
            return values;
        }
        // Turned outputs mix all rows, of which these are some.
        bool vector = tensor.Shape.Count < 2;
        var w = Outputs is null || vector ? Wide(tensor, first, count) : Wide(tensor, 0, tensor.Rows);
        Threads.For(w.Rows, i =>
        {
            var row = w.Row(i);
            if (Gain is not null) TensorPrimitives.Multiply(row, Gain, row);
            Inputs?.Invoke(row);
            if (Shift is not null) TensorPrimitives.Add(row, Shift(), row);
            if (vector) Outputs?.Invoke(row);
        });
        if (Outputs is not null && !vector)
        {
            var columns = Incoherence.Transpose(w);
            Threads.For(columns.Rows, j => Outputs(columns.Row(j)));
            w = Incoherence.Transpose(columns);
            TensorPrimitives.ConvertTruncating<double, float>(w.RowRange(first, count), values);
            return values;
        }
        TensorPrimitives.ConvertTruncating<double, float>(w.Data, values);
        return values;
    }

    private static Matrix<double> Wide(StoredTensor tensor, int first, int count)
    {
        var single = new float[checked(count * tensor.Columns)];
        tensor.ReadRows(first, count, single);
        var w = new Matrix<double>(count, tensor.Columns);
        TensorPrimitives.ConvertChecked<float, double>(single, w.Data);
        return w;
    }
}

/// <summary>Which step each tensor of a model takes into rotated coordinates.</summary>
internal sealed class RotationSteps
{
    private readonly Dictionary<string, RotationStep> _steps = new(StringComparer.Ordinal);
    private readonly ModelSpec _spec;
    private readonly RotationSpec _rotation;
    private readonly StoredTensors _tensors;
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);
    private readonly Action<Span<double>> _residual, _entering, _attended, _down;

    public RotationSteps(ModelSpec spec, RotationSpec rotation, StoredTensors tensors)
    {
        (_spec, _rotation, _tensors) = (spec, rotation, tensors);
        var residual = rotation.Residual(spec);
        var (down, across) = (HadamardTransform.Of(spec.IntermediateSize), new AcrossHeads(spec.HeadCount, spec.HeadSize));
        _residual = x => residual.Forward(x);
        _entering = spec.Norm != NormKind.Layer ? _residual : x =>
        {
            TensorPrimitives.Subtract(x, TensorPrimitives.Sum<double>(x) / x.Length, x);
            residual.Forward(x);
        };
        _down = x => down.Forward(x);
        _attended = x =>
        {
            WithinHeads(x);
            across.Forward(x);
        };

        var names = spec.Names;
        Add(names.Embedding, new() { Inputs = _entering });
        if (spec.PositionOffset is not null) Add(names.Positions, new() { Inputs = _entering });
        // Behind a last norm with a shift the head stays as it is, and reads states turned back.
        if (spec.Norm != NormKind.Layer) Add(names.Head, new() { Gain = spec.FinalNorm ? Fold(names.FinalNorm).Gain : null, Inputs = _residual });
        for (int b = 0; b < spec.BlockCount; b++) AddBlock(b, names.Block(b));
    }

    /// <summary>Null for a tensor that stays as it is.</summary>
    public RotationStep? Of(string tensor) => _steps.GetValueOrDefault(tensor);

    /// <summary>Whether a tensor has no place in the rotated model: the shift of a layer norm.</summary>
    public bool LeavesOut(string tensor) => _left.Contains(tensor);

    private void AddBlock(int block, string name)
    {
        var (names, places) = (_spec.Names, _spec.Projections(block));
        Folded attention = Fold($"{name}.{names.AttentionNorm}"), mlp = Fold($"{name}.{names.MlpNorm}");
        if (_spec.ExpertCount > 0) Add($"{name}.{names.Mlp}{names.Router}", new() { Gain = mlp.Gain, Inputs = _residual });
        int values = _spec.FusedProjections ? 0 : 2, at = 0;
        // A norm behind a layer reads its output as it was, and turns it itself.
        var outputs = _spec.NormPlacement == NormPlacement.Before ? _entering : null;
        foreach (var p in places)
        {
            switch (p.Site.Place)
            {
                case SitePlace.Attention:
                    bool holdsValues = _rotation.Values && at++ == values;
                    Action<Span<double>> turn = x => WithinHeads(x[^_spec.KeyValueSize..]);
                    Add(p, attention, _residual, holdsValues ? turn : null);
                    break;
                case SitePlace.AttentionOutput:
                    Add(p, null, _rotation.Values ? _attended : null, outputs);
                    break;
                case SitePlace.Mlp:
                    Add(p, mlp, _residual, null);
                    break;
                default:
                    Add(p, null, _rotation.Down ? _down : null, outputs);
                    break;
            }
        }
    }

    private void Add(ProjectionSpec place, Folded? norm, Action<Span<double>>? inputs, Action<Span<double>>? outputs)
    {
        Add(place.Name, new() { Gain = norm?.Gain, Inputs = inputs, Outputs = outputs });
        Func<double[]>? shift = norm?.Shift is { } b ? () => Times(place, b) : null;
        if (place.HasBias && (outputs is not null || shift is not null)) _steps.Add($"{place.Name}.bias", new() { Outputs = outputs, Shift = shift });
    }

    private double[] Times(ProjectionSpec place, double[] shift)
    {
        var w = _tensors[$"{place.Name}.weight"].ReadMatrix();
        return [.. Enumerable.Range(0, w.Rows).Select(i =>
        {
            double sum = 0;
            for (int j = 0; j < shift.Length; j++) sum += w[i, j] * shift[j];
            return sum;
        })];
    }

    private void Add(string name, RotationStep step) => _steps.Add($"{name}.weight", step);

    private void WithinHeads(Span<double> x)
    {
        var transform = HadamardTransform.Of(_spec.HeadSize);
        for (int h = 0; h < x.Length; h += _spec.HeadSize) transform.Forward(x.Slice(h, _spec.HeadSize));
    }

    private sealed record Folded(double[] Gain, double[]? Shift);

    // The gain and shift of a norm, which is left without them.
    private Folded Fold(string norm)
    {
        bool plusOne = _spec.Norm == NormKind.RmsPlusOne, shifts = _spec.Norm == NormKind.Layer;
        Add(norm, new() { Constant = plusOne ? 0 : 1 });
        if (shifts) _left.Add($"{norm}.bias");
        return new([.. _tensors[$"{norm}.weight"].ReadAll().Select(g => (plusOne ? 1.0 : 0) + g)],
            shifts ? [.. _tensors[$"{norm}.bias"].ReadAll().Select(b => (double)b)] : null);
    }
}
