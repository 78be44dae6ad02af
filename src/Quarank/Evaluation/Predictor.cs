using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Evaluation;

/// <summary>A model's next-token distributions on the segments of a text, as hidden states and the head that turns them to logits.</summary>
/// <param name="Head">Gives logits; its norm is done already.</param>
/// <param name="States">Of segment i: the states after the last norm, tokens × hidden. Asked for in order, each once.</param>
public sealed record Predictor(Head Head, Func<int, Matrix<float>> States)
{
    /// <summary>In which numbers the head runs; exact ones where nothing is said.</summary>
    public InferenceSettings Settings { get; init; } = new();

    /// <summary>Runs the model on segment i = ids[i · length … (i + 1) · length) when asked.</summary>
    public static Predictor Of(Model model, int[] ids, int length) =>
        new(model.Head, i => model.Forward(ids.AsSpan(i * length, length))) { Settings = model.Settings };
}
