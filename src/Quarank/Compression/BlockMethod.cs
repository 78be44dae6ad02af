using System.Text.Json.Serialization;
using Quarank.Compression.Learning;
using Quarank.Layers;

namespace Quarank.Compression;

/// <summary>
/// A method that learns the layers of one decoder block together, on what the whole block gives. It does not know what a block is: a
/// <see cref="BlockProblem"/> says how wrong the block is with some weights, and in which direction each weight would make it less so.
/// Given a single layer, it learns on that layer's own loss.
/// </summary>
public abstract record BlockMethod : Method
{
    /// <summary>How many steps, of what size; the methods of one block share it.</summary>
    public LearningSettings Learning { get; init; } = new();

    /// <summary>From which weights learning begins.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public LearningStart Start { get; init; }

    /// <summary>GPTQ's where it begins with that.</summary>
    [JsonIgnore] public override TokenWeights PreferredWeights => Start == LearningStart.Gptq ? TokenWeights.Unit : TokenWeights.None;

    [JsonIgnore] public sealed override BlockMethod Learner => this;

    /// <summary>The step size where <see cref="LearningSettings.Rate"/> does not say.</summary>
    [JsonIgnore] public abstract double DefaultRate { get; }

    /// <summary>What is learned of a layer, as it stands before the first step.</summary>
    internal abstract LearnedLayer Begin(LayerProblem problem);

    /// <summary>How many numbers are learned for a layer.</summary>
    public abstract long LearnedNumbers(int rows, int columns);

    public override Linear Compress(LayerProblem problem) =>
        Learned(new SingleLayerProblem(problem));

    private Linear Learned(SingleLayerProblem problem) =>
        BlockTrainer.Train(problem, LearningTask.Of(problem.Layers, [Begin(problem.Layers[0])], [this], problem.Layers[0].Seed)).Layers[0];

    // Weights, their gradient, the quotients, the decoded weight and error; three floats of every number that is learned, and the Gram matrix in floats.
    internal override long WorkBytes(int rows, int columns) => 24L * rows * columns + 12L * LearnedNumbers(rows, columns) + (Start == LearningStart.Gptq ? 16L : 4L) * columns * columns;
}
