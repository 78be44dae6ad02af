using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>The feed-forward half of one block.</summary>
internal abstract class FeedForward
{
    /// <summary>Leaves the half's result in <see cref="ForwardBuffers.Projected"/>.</summary>
    /// <param name="x">tokens × HiddenSize.</param>
    /// <param name="needed">False shows the observer everything and spares the last products.</param>
    public abstract void Run(Matrix<float> x, ForwardBuffers b, ActivationObserver? observe, bool needed);
}

/// <summary>One feed-forward part for all tokens: down(f(gate x) · up x), or down(f(up x)).</summary>
/// <param name="inputs">gate and up; or one that holds both; or up alone.</param>
/// <param name="expert">Which one of several it is; null when it is the only one.</param>
internal sealed class Mlp(ModelSpec spec, Projection[] inputs, Projection output, int? expert = null) : FeedForward
{
    private readonly OnlineRotation _rotation = new(spec);

    public override void Run(Matrix<float> x, ForwardBuffers b, ActivationObserver? observe, bool needed) =>
        Run(x, b.Gate, b.Up, b.Projected, b.Inputs, observe, needed);

    /// <summary>As <see cref="Run(Matrix{float}, ForwardBuffers, ActivationObserver?, bool)"/>, between given matrices.</summary>
    /// <param name="gate">tokens × IntermediateSize.</param>
    /// <param name="up">tokens × what <see cref="ForwardBuffers.UpWidth"/> says.</param>
    /// <param name="result">tokens × HiddenSize.</param>
    /// <param name="numbers">How the layers take what they read.</param>
    public void Run(Matrix<float> x, Matrix<float> gate, Matrix<float> up, Matrix<float> result, InputNumbers numbers, ActivationObserver? observe, bool needed)
    {
        observe?.Invoke(new(SitePlace.Mlp, expert), x);
        if (!spec.GatedMlp)
        {
            inputs[0].Apply(x, gate, numbers);
            Activations.Apply(spec.Activation, gate);
        }
        else if (inputs is [var both])
        {
            both.Apply(x, up, numbers);
            Activations.MultiplyHalves(spec.Activation, up, gate);
        }
        else
        {
            Projection.Apply(inputs[0], inputs[1], null, x, gate, up, up, numbers);
            Activations.Multiply(spec.Activation, gate, up);
        }
        _rotation.Inner(gate);
        observe?.Invoke(new(SitePlace.MlpOutput, expert), gate);
        if (needed) output.Apply(gate, result, numbers);
    }
}
