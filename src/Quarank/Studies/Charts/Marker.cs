namespace Quarank.Studies.Charts;

/// <summary>Eight shapes of about the same weight, told apart without colour; and as many dashes.</summary>
internal static class Marker
{
    public const int Count = 8;

    /// <summary>The outline of a shape around a place; <paramref name="r"/> is half its size in pixels.</summary>
    public static string Path(int shape, double x, double y, double r)
    {
        string At(double dx, double dy) => $"{Drawing.N(x + dx * r)} {Drawing.N(y + dy * r)}";
        string Polygon(params (double X, double Y)[] corners) => "M" + string.Join('L', corners.Select(c => At(c.X, c.Y))) + "Z";
        const double thick = 0.38;
        return (shape % Count) switch
        {
            0 => $"M{At(-1, 0)}a{Drawing.N(r)} {Drawing.N(r)} 0 1 0 {Drawing.N(2 * r)} 0a{Drawing.N(r)} {Drawing.N(r)} 0 1 0 {Drawing.N(-2 * r)} 0Z",
            1 => Polygon((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
            2 => Polygon((0, -1.15), (1.1, 0.85), (-1.1, 0.85)),
            3 => Polygon((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
            4 => Polygon((0, 1.15), (1.1, -0.85), (-1.1, -0.85)),
            5 => Polygon((-thick, -1.2), (thick, -1.2), (thick, -thick), (1.2, -thick), (1.2, thick), (thick, thick), (thick, 1.2),
                (-thick, 1.2), (-thick, thick), (-1.2, thick), (-1.2, -thick), (-thick, -thick)),
            6 => Cross(Polygon),
            _ => Polygon([.. Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? 1.35 : 0.6, Math.PI * (i / 5.0 - 0.5)))
                .Select(p => (p.Item1 * Math.Cos(p.Item2), p.Item1 * Math.Sin(p.Item2)))]),
        };
    }

    private static string Cross(Func<(double, double)[], string> polygon)
    {
        const double a = 1.15, b = 0.6; // a plus turned by 45°
        return polygon([(-a, -b), (-b, -a), (0, -a + b), (b, -a), (a, -b), (a - b, 0), (a, b), (b, a), (0, a - b), (-b, a), (-a, b), (-a + b, 0)]);
    }

    /// <summary>An open cross in a circle: a value that is no number.</summary>
    public static string Broken(double x, double y, double r)
    {
        string N(double v) => Drawing.N(v);
        return $"M{N(x - r)} {N(y - r)}L{N(x + r)} {N(y + r)}M{N(x - r)} {N(y + r)}L{N(x + r)} {N(y - r)}";
    }
}
