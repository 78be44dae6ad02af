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
    private readonly Action<Span<double>> _residual, _attended, _down;

    public RotationSteps(ModelSpec spec, RotationSpec rotation, StoredTensors tensors)
    {
        (_spec, _rotation, _tensors) = (spec, rotation, tensors);
        var residual = rotation.Residual(spec);
        var (down, across) = (HadamardTransform.Of(spec.IntermediateSize), new AcrossHeads(spec.HeadCount, spec.HeadSize));
        _residual = x => residual.Forward(x);
        _down = x => down.Forward(x);
        _attended = x =>
        {
            WithinHeads(x);
            across.Forward(x);
        };

        var names = spec.Names;
        Add(names.Embedding, new() { Inputs = _residual });
        Add(names.Head, new() { Gain = spec.FinalNorm ? Fold(names.FinalNorm) : null, Inputs = _residual });
        for (int b = 0; b < spec.BlockCount; b++) AddBlock(b, names.Block(b));
    }

    /// <summary>Null for a tensor that stays as it is.</summary>
    public RotationStep? Of(string tensor) => _steps.GetValueOrDefault(tensor);

    private void AddBlock(int block, string name)
    {
        var (names, places) = (_spec.Names, _spec.Projections(block));
        double[] attention = Fold($"{name}.{names.AttentionNorm}"), mlp = Fold($"{name}.{names.MlpNorm}");
        if (_spec.ExpertCount > 0) Add($"{name}.{names.Mlp}{names.Router}", new() { Gain = mlp, Inputs = _residual });
        int values = _spec.FusedProjections ? 0 : 2, at = 0;
        // A norm behind a layer reads its output as it was, and turns it itself.
        var outputs = _spec.NormPlacement == NormPlacement.Before ? _residual : null;
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

    private void Add(ProjectionSpec place, double[]? gain, Action<Span<double>>? inputs, Action<Span<double>>? outputs)
    {
        Add(place.Name, new() { Gain = gain, Inputs = inputs, Outputs = outputs });
        if (place.HasBias && outputs is not null) _steps.Add($"{place.Name}.bias", new() { Outputs = outputs });
    }

    private void Add(string name, RotationStep step) => _steps.Add($"{name}.weight", step);

    private void WithinHeads(Span<double> x)
    {
        var transform = HadamardTransform.Of(_spec.HeadSize);
        for (int h = 0; h < x.Length; h += _spec.HeadSize) transform.Forward(x.Slice(h, _spec.HeadSize));
    }

    // The gain of a norm, which is left without one.
    private double[] Fold(string norm)
    {
        bool plusOne = _spec.Norm == NormKind.RmsPlusOne;
        Add(norm, new() { Constant = plusOne ? 0 : 1 });
        return [.. _tensors[$"{norm}.weight"].ReadAll().Select(g => (plusOne ? 1.0 : 0) + g)];
    }
}
