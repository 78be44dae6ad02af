using System.Globalization;
using System.Text;

namespace Quarank.Studies.Charts;

/// <summary>
/// Colours and pens of all figures. The eight tints keep apart for eyes without red, green or blue, and stand out from the paper at
/// 3 : 1 at least, light and dark (measured in the tests).
/// </summary>
public static class ChartStyle
{
    /// <summary>How many colours there are before they come again.</summary>
    public const int Tints = 8;

    public const string Font = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

    internal static readonly (string Name, string Light, string Dark)[] Colours =
    [
        ("paper", "#ffffff", "#15181c"), ("ink", "#1b1f24", "#e8eaed"), ("soft", "#59616b", "#a4adb8"), ("axis", "#6b737d", "#8b949e"),
        ("grid", "#e3e6ea", "#2c3239"), ("lane", "#f4f1ea", "#241f1a"), ("frontier", "#9aa2ac", "#6e7781"),
        ("t0", "#2264b1", "#5da1f5"), ("t1", "#e05e09", "#ff7c01"), ("t2", "#009469", "#2bd592"), ("t3", "#b30d8e", "#dc83bb"),
        ("t4", "#6b5b00", "#e6c229"), ("t5", "#149aec", "#9fd8ff"), ("t6", "#16181c", "#f0f0f0"), ("t7", "#7a1f3d", "#a98d7c"),
    ];

    private static readonly string[] Dashes = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 2", "9 3 2 3 2 3", "1 2"];

    /// <summary>The style sheet of a page with figures: light or dark as the reader has it, always light on paper.</summary>
    public static string Page() =>
        $":root{{color-scheme:light dark;{Variables(dark: false)}}}\n"
        + $"@media screen and (prefers-color-scheme:dark){{:root{{{Variables(dark: true)}}}}}\n"
        + Rules(name => $"var(--{name})");

    /// <summary>The style sheet of a figure that stands alone: dark on white.</summary>
    internal static string Fixed() => Rules(name => Array.Find(Colours, c => c.Name == name).Light);

    private static string Variables(bool dark) => string.Concat(Colours.Select(c => $"--{c.Name}:{(dark ? c.Dark : c.Light)};"));

    private static string Rules(Func<string, string> colour)
    {
        var css = new StringBuilder();
        void Add(string selector, string rule) => css.Append(CultureInfo.InvariantCulture, $".chart {selector}{{{rule}}}\n");
        Add("text", $"font-family:{Font};font-weight:400");
        Add(".tick", $"font-size:{(int)TextSize.Tick}px");
        Add(".note", $"font-size:{(int)TextSize.Note}px");
        Add(".title", $"font-size:{(int)TextSize.Title}px;font-weight:600");
        Add(".middle", "text-anchor:middle");
        Add(".end", "text-anchor:end");
        Add("text.ink", $"fill:{colour("ink")}");
        Add("text.soft", $"fill:{colour("soft")}");
        Add("text.label", "fill:currentColor");
        Add(".halo", $"stroke:{colour("paper")};stroke-width:3px;stroke-linejoin:round;paint-order:stroke");
        Add(".paper", $"fill:{colour("paper")}");
        Add(".axis", $"fill:none;stroke:{colour("axis")};stroke-width:1");
        Add(".grid", $"fill:none;stroke:{colour("grid")};stroke-width:1");
        Add(".guide", $"fill:none;stroke:{colour("soft")};stroke-width:1;stroke-dasharray:5 4");
        Add(".lane", $"fill:{colour("lane")}");
        Add(".frontier", $"fill:none;stroke:{colour("frontier")};stroke-width:2.5;opacity:.75");
        Add(".line", "fill:none;stroke:currentColor;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:butt");
        Add(".band", "fill:currentColor;opacity:.16");
        Add(".lost", "fill:none;stroke:currentColor;stroke-width:1;stroke-dasharray:1 4;opacity:.7");
        Add(".bar", "fill:none;stroke:currentColor;stroke-width:1.25");
        Add(".mark", $"fill:currentColor;stroke:{colour("paper")};stroke-width:1");
        Add(".broken", "fill:none;stroke:currentColor;stroke-width:2");
        Add(".column", $"fill:currentColor;stroke:{colour("paper")};stroke-width:.5");
        Add(".none", $"fill:{colour("grid")}");
        Add(".cross", $"fill:none;stroke:{colour("soft")};stroke-width:1.25");
        for (int i = 0; i < Tints; i++) Add($".t{i}", $"color:{colour($"t{i}")}");
        for (int i = 1; i < Dashes.Length; i++) Add($".d{i}", $"stroke-dasharray:{Dashes[i]}");
        return css.ToString();
    }
}
