using Quarank.Compression;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>A layer of the original model and what its input was on the calibration text.</summary>
internal sealed record SurveyedLayer(string Name, Matrix<float> Weight, SiteStatistics Inputs, CalibrationSettings Calibration)
{
    /// <summary>Every token counting alike.</summary>
    public LayerProblem Plain => new(Name, Weight, Inputs.Inputs);

    /// <summary>As this method wants it.</summary>
    /// <param name="seed">The recipe's.</param>
    public LayerProblem For(Method method, int seed) =>
        new(Name, Weight, Inputs.For(Calibration.WeightsFor(method)), LayerCompressor.SeedOf(Name, seed));
}
