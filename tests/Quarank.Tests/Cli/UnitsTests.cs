using Quarank.Cli.Console;
using Xunit;

namespace Quarank.Tests.Cli;

public class UnitsTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.00 kB")]
    [InlineData(999_499, "999 kB")]
    [InlineData(999_500, "1.00 MB")]
    [InlineData(10_957_160, "11.0 MB")]
    [InlineData(1_348_000_000, "1.35 GB")]
    [InlineData(5_000_000_000_000_000, "5000 TB")]
    public void Bytes_have_three_digits_and_decimal_units(long bytes, string text) => Assert.Equal(text, Units.Bytes(bytes));

    [Theory]
    [InlineData(0.04, "0.0 s")]
    [InlineData(9.94, "9.9 s")]
    [InlineData(9.96, "10 s")]
    [InlineData(59.6, "1 min 00 s")]
    [InlineData(185, "3 min 05 s")]
    [InlineData(7_800, "2 h 10 min")]
    public void Durations_are_told_in_the_unit_that_fits(double seconds, string text) =>
        Assert.Equal(text, Units.Duration(seconds));

    [Theory]
    [InlineData(19.234, "19.23")]
    [InlineData(2888.91, "2,889")]
    [InlineData(2_430_000, "2.43e+06")]
    [InlineData(double.PositiveInfinity, "Infinity")]
    public void Perplexities_keep_the_digits_that_say_something(double value, string text) =>
        Assert.Equal(text, Units.Perplexity(value));
}
