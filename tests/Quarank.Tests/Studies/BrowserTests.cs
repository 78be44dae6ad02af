using Quarank.Pipeline;
using Quarank.Studies;
using Quarank.Studies.Charts;
using Quarank.Studies.Paper;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Studies;

/// <summary>Reports as a real browser shows them.</summary>
public class BrowserTests(Chromium browser) : IClassFixture<Chromium>
{
    /// <summary>
    /// Opens all details; gives what is wrong with the pictures that are shown: no size, words outside their frame or over one
    /// another by more than a pixel, a page wider than its window.
    /// </summary>
    private const string Check = """
        (() => {
          const wrong = [];
          for (const details of document.querySelectorAll('details')) details.open = true;
          const shown = [...document.querySelectorAll('svg')].filter(s => getComputedStyle(s).display !== 'none');
          for (const svg of shown) {
            const frame = svg.getBoundingClientRect(), name = svg.getAttribute('aria-label') ?? 'legend';
            if (frame.width < 10 || frame.height < 10) wrong.push(`${name}: ${frame.width} x ${frame.height}`);
            const boxes = [...svg.querySelectorAll('text')].map(t => ({ text: t.textContent, box: t.getBoundingClientRect() }));
            boxes.forEach(({ text, box }, i) => {
              if (box.width === 0) wrong.push(`${name}: '${text}' has no width`);
              if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
                wrong.push(`${name}: '${text}' is outside`);
              for (let j = 0; j < i; j++) {
                const other = boxes[j].box;
                const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
                const down = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
                if (across > 1 && down > 0.3 * box.height) wrong.push(`${name}: '${text}' lies over '${boxes[j].text}'`);
              }
            });
          }
          if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
          return { pictures: shown.length, wrong };
        })()
        """;

    [Theory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(400, false)]
    [InlineData(400, true)]
    public async Task A_report_opens_without_complaint_or_request_and_all_words_stand_clear(int width, bool dark)
    {
        using var folder = new TemporaryFolder();
        HtmlReport.Write(SomeComparison.Create(blocks: 12), folder["report.html"], new(2026, 11, 22));
        var page = await browser.Open(folder["report.html"], width, 1600, dark);
        var picture = await page.Screenshot();
        var found = (await page.Evaluate(Check))!;
        Assert.Empty(found["wrong"]!.AsArray().Select(w => w!.GetValue<string>()));
        Assert.True(found["pictures"]!.GetValue<int>() > 60);
        Assert.Equal([new Uri(folder["report.html"]).AbsoluteUri], page.Requests());
        Assert.Empty(page.Complaints());
        Assert.Equal((width, 1600), (picture.Width, picture.Height));
        Assert.True(picture.DistinctColours() > 200, $"{picture.DistinctColours()} colours");
        Assert.InRange(picture.MeanBrightness(), dark ? 15 : 200, dark ? 80 : 254);
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(400)]
    public async Task Every_kind_of_figure_keeps_its_words_clear_in_a_browser(int width)
    {
        using var folder = new TemporaryFolder();
        var html = new HtmlPage("Figures");
        foreach (var (name, figure) in SomeFigures.All) html.Heading(name).Figure(figure);
        html.Write(folder["figures.html"]);
        var page = await browser.Open(folder["figures.html"], width, 900, dark: false);
        Assert.Empty((await page.Evaluate(Check))!["wrong"]!.AsArray().Select(w => w!.GetValue<string>()));
        Assert.Empty(page.Complaints());
    }

    [Fact]
    public async Task A_figure_that_stands_alone_is_dark_on_white_even_for_a_reader_in_the_dark()
    {
        using var folder = new TemporaryFolder();
        SomeFigures.All["lines"].Write(folder["lines.svg"]);
        var page = await browser.Open(folder["lines.svg"], 720, 400, dark: true);
        Assert.InRange((await page.Screenshot()).MeanBrightness(), 200, 254);
        Assert.Empty(page.Complaints());
    }

    [Fact]
    public async Task Paper_is_always_white()
    {
        using var folder = new TemporaryFolder();
        HtmlReport.Write(SomeComparison.Create(blocks: 2, spectra: false), folder["report.html"]);
        var page = await browser.Open(folder["report.html"], 1000, 1400, dark: true);
        Assert.InRange((await page.Screenshot()).MeanBrightness(), 15, 80);
        await page.Emulate("print", dark: true);
        Assert.InRange((await page.Screenshot()).MeanBrightness(), 200, 254);
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(400)]
    public async Task A_study_is_a_page_too(int width)
    {
        using var folder = new TemporaryFolder();
        var sample = SomeComparison.Create(blocks: 2, spectra: false);
        var study = new StudyResult("rank", "Error over rank", new("quarank", "OpenBLAS", "sample", "ab", sample.Calibration, Propagation.Original, []),
            [new("Printed", ["rank", "error"], [["10 %", "25.0 %"]])], [new("Found <here>", ["kind", "error"], [["q_proj", "31.2 %"]], "means")],
            [new("weighted beats plain", "Figure 2", "everywhere", "3 of 3", true)], ["It does."])
        {
            Figures = [("panels.svg", SomeFigures.All["panels"]), ("bars.svg", SomeFigures.All["bars"])],
        };
        study.Write(folder.Path);
        var page = await browser.Open(folder[StudyResult.PageName], width, 900, dark: true);
        var found = (await page.Evaluate(Check))!;
        Assert.Empty(found["wrong"]!.AsArray().Select(w => w!.GetValue<string>()));
        Assert.Equal(7, found["pictures"]!.GetValue<int>()); // four panels, two samples of their legend, the bars
        Assert.Empty(page.Complaints());
        Assert.Single(page.Requests());
    }

    [Fact]
    public async Task A_click_on_a_head_sorts_and_another_one_turns_the_order()
    {
        using var folder = new TemporaryFolder();
        HtmlReport.Write(SomeComparison.Create(blocks: 2, spectra: false), folder["report.html"]);
        var page = await browser.Open(folder["report.html"], 1280, 900, dark: false);
        const string sorted = """
            (() => {
              const table = document.querySelectorAll('table')[2]; // behind an overview for each text
              table.tHead.rows[0].cells[5].click();
              return [...table.tBodies[0].rows].map(r => r.cells[5]?.dataset.value ?? null);
            })()
            """;
        var up = Values(await page.Evaluate(sorted));
        var down = Values(await page.Evaluate(sorted));
        Assert.Equal(22, up.Count);
        Assert.Equal(18, up.Count(double.IsFinite)); // all but those that are unreachable, failed, waiting or broken
        Assert.Equal(up.Take(18).Order(), up.Take(18));
        Assert.Equal(down.Take(18).OrderDescending(), down.Take(18));
        Assert.True(up.Skip(18).Concat(down.Skip(18)).All(v => !double.IsFinite(v)));
    }

    private static List<double> Values(System.Text.Json.Nodes.JsonNode? cells) => [.. cells!.AsArray().Select(c => c is null ? double.NaN
        : double.Parse(c.GetValue<string>(), System.Globalization.CultureInfo.InvariantCulture))];
}
