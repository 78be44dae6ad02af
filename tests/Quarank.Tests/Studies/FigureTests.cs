using System.Globalization;
using System.Xml.Linq;
using Quarank.Studies.Charts;
using Xunit;

namespace Quarank.Tests.Studies;

public class FigureTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public static TheoryData<string> Names => [.. SomeFigures.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void A_figure_is_well_formed_and_says_what_it_shows(string name)
    {
        var figure = SomeFigures.All[name];
        var svg = XDocument.Parse(figure.Svg()).Root!;
        Assert.Equal(Svg + "svg", svg.Name);
        Assert.Equal("img", svg.Attribute("role")!.Value);
        Assert.NotEmpty(svg.Element(Svg + "desc")!.Value);
        Assert.NotEmpty(svg.Element(Svg + "title")!.Value);
        Assert.All(svg.DescendantsAndSelf().Attributes(), a => Assert.DoesNotContain("NaN", a.Value, StringComparison.Ordinal));
        Assert.All(svg.Descendants(Svg + "path"), p => Assert.Matches("^M[-0-9.MLHVZahv ]+$", p.Attribute("d")!.Value));
        XDocument.Parse(figure.Inline());
    }

    [Theory, MemberData(nameof(Names))]
    public void No_two_labels_overlap_and_all_lie_inside(string name)
    {
        foreach (int width in new[] { 240, 344, SomeFigures.All[name].Width, 1200 })
        {
            var drawing = (SomeFigures.All[name] with { Width = width }).Drawn();
            var frame = new Box(-0.01, -0.01, drawing.Width + 0.01, drawing.Height + 0.01);
            for (int i = 0; i < drawing.Texts.Count; i++)
            {
                var (text, box) = drawing.Texts[i];
                Assert.True(frame.Contains(box), $"{width} pixels: '{text}' at {box} is outside {frame}");
                for (int j = 0; j < i; j++)
                    Assert.False(box.Overlaps(drawing.Texts[j].Box), $"{width} pixels: '{text}' lies over '{drawing.Texts[j].Text}'");
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void The_same_figure_gives_the_same_bytes_in_every_country(string name)
    {
        string here = SomeFigures.All[name].Svg();
        var old = CultureInfo.CurrentCulture;
        try
        {
            var elsewhere = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (elsewhere.NumberFormat.NumberDecimalSeparator, elsewhere.NumberFormat.NumberGroupSeparator, elsewhere.NumberFormat.NegativeSign) = (",", ".", "~");
            CultureInfo.CurrentCulture = elsewhere;
            Assert.Equal(here, SomeFigures.All[name].Svg());
        }
        finally
        {
            CultureInfo.CurrentCulture = old;
        }
    }

    [Theory]
    [InlineData("lines", "rank / full rank", "error", "50 %")]
    [InlineData("labels", "file (MB)", "perplexity", "100")]
    [InlineData("bars", "components", "perplexity", "10,000")]
    [InlineData("logarithmic map", "ratio", "ratio", "100")]
    [InlineData("limits", "bits", "loss", "3.0")]
    [InlineData("many points", "x", "y (× 10⁻⁷)", "0.5")]
    public void Axes_have_titles_units_and_round_numbers(string name, string x, string y, string tick)
    {
        var words = Words(SomeFigures.All[name]);
        Assert.Contains(x, words);
        Assert.Contains(y, words);
        Assert.Contains(tick, words);
    }

    [Theory]
    [InlineData("lines")]
    [InlineData("holes")]
    [InlineData("labels")]
    public void Every_series_has_its_entry_in_the_legend(string name)
    {
        var chart = (Chart)SomeFigures.All[name];
        var words = Words(chart);
        Assert.All(chart.Series, s => Assert.Contains(s.Name, words));
        Assert.Contains("compensation", Words(SomeFigures.All["bars"]));
        string page = new HtmlPage("p").Figures([chart with { HideLegend = true }], chart).ToHtml();
        Assert.All(chart.Series, s => Assert.Contains($"</svg>{s.Name}</li>", page, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_no_number_or_lies_beyond_stands_in_a_lane_and_is_named()
    {
        var holes = XDocument.Parse(SomeFigures.All["holes"].Svg());
        // a: zero on a logarithmic axis, NaN; b: infinite x, −∞.
        Assert.Equal(4, holes.Descendants().Count(e => e.Attribute("class")?.Value.StartsWith("broken ", StringComparison.Ordinal) == true));
        Assert.Contains("broken", Words(SomeFigures.All["holes"]));
        Assert.Contains("≤ 0", Words(SomeFigures.All["holes"]));
        Assert.Contains("beyond", Words(SomeFigures.All["limits"]));
        Assert.Contains("below", Words(SomeFigures.All["limits"]));
        Assert.Contains("broken", Words(SomeFigures.All["only broken"]));
        Assert.Contains("broken", Words(SomeFigures.All["bars"]));
    }

    [Fact]
    public void Sixty_four_series_differ_in_colour_or_shape()
    {
        var chart = new Chart("many", new("x"), new("y"), [.. Enumerable.Range(0, 64).Select(i => new Series("", [new(i, i)], Look.Points))]);
        var marks = XDocument.Parse(chart.Svg()).Descendants().Where(e => e.Attribute("class")?.Value.StartsWith("mark ", StringComparison.Ordinal) == true)
            .Select(e => (e.Attribute("class")!.Value, Shape: string.Concat(e.Attribute("d")!.Value.Where(c => !char.IsDigit(c) && c is not ('.' or '-'))),
                First: e.Attribute("d")!.Value)).ToList();
        Assert.Equal(64, marks.Count);
        var looks = chart.Series.Select((_, i) => (i % ChartStyle.Tints, (i + i / ChartStyle.Tints) % Marker.Count));
        Assert.Equal(64, looks.Distinct().Count());
        Assert.Equal(8, Enumerable.Range(0, 8).Select(s => Marker.Path(s, 0, 0, 4)).Distinct().Count());
        Assert.Equal(8, marks.Select(m => m.Value).Distinct().Count());
    }

    [Fact]
    public void A_figure_too_narrow_or_with_missing_bars_is_refused_by_name()
    {
        Assert.Contains("200", Assert.Throws<ArgumentException>(() => (SomeFigures.All["lines"] with { Width = 90 }).Svg()).Message, StringComparison.Ordinal);
        var bars = new BarChart("b", new("y"), ["one", "two"], [new("short", [1])]);
        Assert.Contains("'short'", Assert.Throws<ArgumentException>(bars.Svg).Message, StringComparison.Ordinal);
        var axis = new Chart("c", new("x"), new("y", Log: true, From: 0), []);
        Assert.Contains("'y'", Assert.Throws<ArgumentException>(axis.Svg).Message, StringComparison.Ordinal);
    }

    private static HashSet<string> Words(Figure figure) => [.. figure.Drawn().Texts.Select(t => t.Text)];
}
