using Microsoft.Extensions.Time.Testing;
using Quarank.Cli.Console;
using Xunit;

namespace Quarank.Tests.Cli;

public class ProgressViewTests
{
    [Fact]
    public void Work_that_ends_at_once_leaves_no_trace()
    {
        var error = new StringWriter();
        using (var view = new ProgressView(new Terminal(TextWriter.Null, error) { ErrorIsScreen = true }, "work")) view
            .Report(0.5, "half");
        Assert.Equal("", error.ToString());
    }

    [Fact]
    public void Lines_that_stay_are_written_at_once()
    {
        var error = new StringWriter { NewLine = "\n" };
        using var view = new ProgressView(new Terminal(TextWriter.Null, error), "work");
        view.WriteLine("a note");
        Assert.Equal("a note\n", error.ToString());
    }

    [Fact]
    public void On_a_screen_one_line_is_drawn_over_and_at_last_erased()
    {
        var error = new StringWriter { NewLine = "\n" };
        var time = new FakeTimeProvider();
        using (var view = new ProgressView(new Terminal(TextWriter.Null, error) { ErrorIsScreen = true, Width = () => 60 },
            "work", time))
        {
            view.Report(0, "");
            time.Advance(TimeSpan.FromSeconds(1.3));
            view.Report(0.5, new string('x', 200));
            time.Advance(TimeSpan.FromSeconds(0.6));
        }
        string text = error.ToString();
        Assert.Contains("work  50 %", text);
        Assert.DoesNotContain('\n', text);
        Assert.EndsWith("\r\e[K", text);
        Assert.All(text.Split('\r'), drawn => Assert.True(drawn.Replace("\e[K", "").Length < 60, drawn));
    }

    [Fact]
    public void The_estimate_counts_from_the_first_report()
    {
        var time = new FakeTimeProvider();
        using var view = new ProgressView(new Terminal(TextWriter.Null, TextWriter.Null), "work", time);
        time.Advance(TimeSpan.FromSeconds(10));
        view.Report(0.8, "resumed");
        Assert.Equal("work  80 %  estimating  resumed", view.Line());
        time.Advance(TimeSpan.FromSeconds(1.5));
        view.Report(0.9, "");
        // A tenth took 1.5 s, so a tenth is left: 1.5 s; with the clock from the start it would say 1.3 s.
        Assert.Equal("work  90 %  1.5 s left", view.Line());
    }
}
