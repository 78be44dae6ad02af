using System.Numerics.Tensors;
using Quarank.Numerics;

namespace Quarank.Compression.Learning;

/// <summary>
/// A layer alone as a block: its loss is tr((Ŵ − W) H (Ŵ − W)ᵀ), the gradient 2 (Ŵ − W) H. All of its calibration is one sample.
/// </summary>
internal sealed class SingleLayerProblem : BlockProblem
{
    private readonly LayerProblem _layer;
    private readonly Matrix<float> _gram, _difference;

    public SingleLayerProblem(LayerProblem layer) : base([layer])
    {
        _layer = layer;
        _gram = new(layer.Columns, layer.Columns);
        TensorPrimitives.ConvertSaturating<double, float>(layer.Inputs.Gram.Data, _gram.Data);
        _difference = new(layer.Rows, layer.Columns);
        Weights = [new(layer.Rows, layer.Columns)];
        Gradients = [new(layer.Rows, layer.Columns)];
        Total = LinearAlgebra.QuadraticTrace(layer.Weight, layer.Inputs.Gram);
    }

    public override int Samples => 1;
    public override int HeldOut => 0;
    public override IReadOnlyList<Matrix<float>> Weights { get; }
    public override IReadOnlyList<Matrix<float>> Gradients { get; }

    private double Total { get; }

    public override double Learn(ReadOnlySpan<int> batch)
    {
        TensorPrimitives.Subtract<float>(Weights[0].Data, _layer.Weight.Data, _difference.Data);
        LinearAlgebra.Multiply(_difference, _gram, Gradients[0]);
        double loss = 0;
        for (int i = 0; i < _layer.Rows; i++) loss += TensorPrimitives.Dot<float>(_difference.Row(i), Gradients[0].Row(i));
        TensorPrimitives.Multiply(Gradients[0].Data, 2f * _layer.Inputs.Tokens / _layer.Rows, Gradients[0].Data);
        return Relative(loss);
    }

    public override double ErrorOf(bool heldOut)
    {
        if (heldOut) return double.NaN;
        TensorPrimitives.Subtract<float>(Weights[0].Data, _layer.Weight.Data, _difference.Data);
        return Relative(LinearAlgebra.QuadraticTrace(_difference, _layer.Inputs.Gram));
    }

    private double Relative(double loss) => Total > 0 ? loss / Total : loss > 0 ? double.PositiveInfinity : 0;
}
