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
    /// <exception cref="NotSupportedException">The method rounds its inputs, of which a survey has no sums.</exception>
    public LayerProblem For(Method method, int seed) => method.Rounding is not null
        ? throw new NotSupportedException("Methods that round their inputs cannot be weighed by a survey of the original model; compress with each and evaluate.")
        : new(Name, Weight, Inputs.For(Calibration.WeightsFor(method)), LayerCompressor.SeedOf(Name, seed));
}
