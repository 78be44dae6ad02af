using FsCheck;
using FsCheck.Fluent;
using Quarank.Studies.Charts;
using Xunit;

namespace Quarank.Tests.Studies;

public class ChartPartsTests
{
    [Theory]
    [InlineData(0.004, "0.00")]
    [InlineData(-0.004, "0.00")]
    [InlineData(0.006, "+0.01")]
    [InlineData(-1.5, "−1.50")]
    public void A_signed_number_that_reads_as_zero_has_no_sign(double value, string text) => Assert.Equal(text, NumberText.WithSign(value, 2));

    [Fact]
    public void Ticks_are_round_rise_and_lie_within_the_axis() =>
        Prop.ForAll(Gen.Choose(-1_000_000, 1_000_000).Zip(Gen.Choose(1, 2_000_000)).Zip(Gen.Choose(-9, 9)).ToArbitrary(), t =>
        {
            double unit = Math.Pow(10, t.Item2), from = t.Item1.Item1 * unit, to = from + t.Item1.Item2 * unit;
            var ticks = Ticks.Linear(from, to, 6, (v, d) => NumberText.Fixed(v, d));
            double step = ticks.Count > 1 ? ticks[1].Value - ticks[0].Value : 1;
            double digit = step / Math.Pow(10, Math.Floor(Math.Log10(step) + 1e-6));
            return ticks.Count is >= 2 and <= 8
                && ticks.All(k => k.Value >= from - 1e-6 * (to - from) && k.Value <= to + 1e-6 * (to - from))
                && new[] { 1.0, 2, 5 }.Any(d => Math.Abs(digit - d) < 1e-3) // differences of large numbers lose digits
                && ticks.Select(k => k.Label).Distinct().Count() == ticks.Count;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Logarithmic_axes_name_at_least_two_round_numbers_over_any_number_of_decades() =>
        Prop.ForAll(Gen.Choose(-200, 200).Zip(Gen.Choose(12, 400)).ToArbitrary(), t =>
        {
            double from = Math.Pow(10, t.Item1 / 10.0), to = from * Math.Pow(10, t.Item2 / 10.0);
            var named = Ticks.Logarithmic(from, to, 6, (v, d) => NumberText.Fixed(v, d)).Where(k => k.Label.Length > 0).ToList();
            return named.Count is >= 2 and <= 12 && named.Zip(named.Skip(1)).All(p => p.First.Value < p.Second.Value);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Labels_never_lie_over_one_another_or_over_a_marker() =>
        Prop.ForAll(Gen.Choose(0, 100).Zip(Gen.Choose(0, 100)).ArrayOf(40).ToArbitrary(), places =>
        {
            var chart = new Chart("c", new("x", From: 0, To: 100), new("y", From: 0, To: 100),
                [new("s", [.. places.Select((p, i) => new DataPoint(p.Item1, p.Item2, Label: $"point {i}"))], Look.Points)]);
            var texts = chart.Drawn().Texts;
            return texts.Index().All(a => texts.Take(a.Index).All(b => !a.Item.Box.Overlaps(b.Box)));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(19.2316, "19.23")]
    [InlineData(2889.4, "2,889")]
    [InlineData(2.43e6, "2.43 × 10⁶")]
    [InlineData(9.9999e6, "1.00 × 10⁷")]
    [InlineData(0.001325, "0.001325")]
    [InlineData(-1.25e-9, "−1.25 × 10⁻⁹")]
    [InlineData(0, "0")]
    [InlineData(double.NaN, "broken")]
    [InlineData(double.PositiveInfinity, "broken")]
    public void Numbers_keep_four_digits(double value, string expected) => Assert.Equal(expected, NumberText.Round(value));

    [Theory]
    [InlineData(19.2316, 0.3212, "19.23 ± 0.32")]
    [InlineData(3274.2, 65.49, "3,274 ± 65")]
    [InlineData(0.1749, 0.007499, "0.1749 ± 0.0075")]
    [InlineData(2.43e6, 1e4, "2.43 × 10⁶ ± 10,000")]
    [InlineData(5, 0, "5 ± 0")]
    [InlineData(double.PositiveInfinity, double.NaN, "broken")]
    public void A_value_has_the_decimals_of_its_error(double value, double error, string expected) =>
        Assert.Equal(expected, NumberText.WithError(value, error));

    [Fact]
    public void Zero_has_no_sign_and_bytes_have_units()
    {
        Assert.Equal("0.00", NumberText.Fixed(-0.0, 2));
        Assert.Equal("0.00", NumberText.Fixed(-0.001, 2));
        Assert.Equal("−1.5", NumberText.Fixed(-1.5, 1));
        Assert.Equal(["0 B", "999 B", "1.00 kB", "83.3 MB", "269 MB", "1.35 GB"],
            new[] { 0, 999, 1000, 83.3e6, 269_060_552, 1.35e9 }.Select(NumberText.Bytes));
    }

    /// <summary>
    /// Distances in OKLab (Ottosson 2020) after the loss of one kind of cones (Machado, Oliveira and Fernandes 2009, severity 1);
    /// 0.02 is about the least that is seen side by side, 0.08 is plain. Contrast as in WCAG 2, which asks 3 of graphics.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Colours_stay_apart_for_colour_blind_eyes_and_stand_out_from_the_paper(bool dark)
    {
        var colours = ChartStyle.Colours.Where(c => c.Name is ['t', _]).Select(c => Linear(dark ? c.Dark : c.Light)).ToList();
        double paper = Luminance(Linear(dark ? ChartStyle.Colours[0].Dark : ChartStyle.Colours[0].Light));
        Assert.Equal(ChartStyle.Tints, colours.Count);
        foreach (var (i, colour) in colours.Index())
        {
            double light = Luminance(colour);
            Assert.True((Math.Max(light, paper) + 0.05) / (Math.Min(light, paper) + 0.05) >= 3, $"colour {i} is too faint");
            foreach (double[] eye in Eyes)
            {
                for (int j = 0; j < i; j++)
                {
                    double[] a = OkLab(Times(eye, colour)), b = OkLab(Times(eye, colours[j]));
                    double distance = Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum());
                    Assert.True(distance > 0.08, $"colours {i} and {j} are {distance:0.000} apart for one kind of eyes");
                }
            }
        }
    }

    private static readonly double[][] Eyes =
    [
        [1, 0, 0, 0, 1, 0, 0, 0, 1],
        [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
        [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881],
        [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900],
    ];

    private static double[] Linear(string hex) => [.. Enumerable.Range(0, 3).Select(i => 1 + 2 * i).Select(i => Convert.ToInt32(hex.Substring(i, 2), 16) / 255.0)
        .Select(c => c <= 0.04045 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4))];

    private static double Luminance(double[] c) => 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];

    private static double[] Times(double[] m, double[] v) => [.. Enumerable.Range(0, 3).Select(i => m[3 * i] * v[0] + m[3 * i + 1] * v[1] + m[3 * i + 2] * v[2])];

    private static double[] OkLab(double[] c) => Times(
        [0.2104542553, 0.7936177850, -0.0040720468, 1.9779984951, -2.4285922050, 0.4505937099, 0.0259040371, 0.7827717662, -0.8086757660],
        [.. Times([0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566, 0.0883024619, 0.2817188376, 0.6299787005],
            [.. c.Select(x => Math.Clamp(x, 0, 1))]).Select(Math.Cbrt)]);
}
