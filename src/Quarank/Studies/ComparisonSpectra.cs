using Quarank.Pipeline;
using Quarank.Studies.Paper;

namespace Quarank.Studies;

/// <summary>Spectra of all layers of the original, under the calibration of a comparison.</summary>
internal static class ComparisonSpectra
{
    // A report holds thousands of shares for every layer; what is below a millionth cannot be seen in it.
    private const int Digits = 6;

    public static IReadOnlyList<LayerSpectrum> Of(
        ComparisonRequest request, CalibrationSet calibration, string statistics, ComparisonClock clock, CancellationToken token)
    {
        using var survey = Survey.Open(request.ModelFolder, request.Calibration, calibration, statistics, TokenWeighting.Plain, token);
        var spectra = new List<LayerSpectrum>();
        int blocks = survey.Spec.BlockCount;
        return clock.Do(ComparisonStep.Spectra, "spectra", progress =>
        {
            survey.Visit([.. Enumerable.Range(0, blocks)], (block, problems) =>
            {
                token.ThrowIfCancellationRequested();
                spectra.AddRange(problems.Select(OutputSpectrum.Of).Select(s =>
                    new LayerSpectrum(s.Name, s.Kind, block, s.Rows, s.Columns, Rounded(s.Weighted), Rounded(s.Weights))));
                progress.Report(((block + 1.0) / blocks, $"spectra of block {block + 1} of {blocks}"));
            }, null, token);
            return spectra;
        });
    }

    private static double[] Rounded(double[] shares) => [.. shares.Select(s => Math.Round(s, Digits))];
}
