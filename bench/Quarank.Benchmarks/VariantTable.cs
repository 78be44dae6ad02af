using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>
/// Variants of a method on all matrices of a model from kept Gram matrices, without a forward pass, each brought to the same stored bytes:
/// mean relative error, on how many matrices it is not above that of LoRDQ as printed at the bytes the variant takes on that matrix, seconds.
/// </summary>
internal static class VariantTable
{
    private static readonly JsonSerializerOptions Reading = new(JsonSerializerDefaults.Web)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <param name="statistics">A folder written by <c>compress --statistics</c>.</param>
    /// <param name="methods">JSON: names and methods, tried one after the other.</param>
    /// <param name="stride">Only every so-many-th block is compressed; budgets are those of the whole model.</param>
    public static void Run(string model, string statistics, string bits, string methods, int stride)
    {
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Of(checkpoint);
        var shapes = Enumerable.Range(0, spec.BlockCount).SelectMany(spec.Projections).Select(p => new LayerShape(p.Name, p.Rows, p.Columns)).ToArray();
        double weights = shapes.Sum(s => (double)s.Rows * s.Columns);
        var variants = JsonSerializer.Deserialize<Dictionary<string, Method>>(File.ReadAllText(methods), Reading)!;

        Console.WriteLine($"{"variant",-60} {"bits",7} {"error",8} {"worst",8} {"not worse",10} {"seconds",8}  worse on (times the printed error)");
        foreach (string asked in bits.Split(','))
        {
            foreach (var (name, method) in variants.Prepend(new("as printed", new Lordq())))
            {
                if (method.AtBitsPerWeight(double.Parse(asked, CultureInfo.InvariantCulture), shapes) is not { } sized)
                {
                    Console.WriteLine($"{name,-60} cannot have {asked} bits per weight");
                    continue;
                }
                var fitted = sized.Fit(shapes);
                var clock = Stopwatch.StartNew();
                double[] errors = Errors(checkpoint, spec, statistics, stride, _ => fitted);
                double seconds = clock.Elapsed.TotalSeconds;
                double share = double.NaN;
                string worse = "";
                if (method != new Lordq())
                {
                    var printed = Errors(checkpoint, spec, statistics, stride, layer => PrintedAt(fitted.PlannedBits(layer), layer));
                    share = errors.Zip(printed).Count(e => e.First <= e.Second) / (double)errors.Length;
                    var layers = Enumerable.Range(0, spec.BlockCount).Where(b => b % stride == 0).SelectMany(spec.Projections);
                    worse = string.Join(", ", layers.Zip(errors, printed).Where(e => e.Second > e.Third)
                        .Select(e => FormattableString.Invariant($"{e.First.Name} {e.Second / e.Third:0.00}")));
                }
                Console.WriteLine(FormattableString.Invariant(
                    $"{name,-60} {shapes.Sum(fitted.PlannedBits) / weights,7:0.0000} {errors.Average(),8:0.00000} {errors.Max(),8:0.0000} {share,10:0.0 %} {seconds,8:0.0}  {worse}"));
            }
        }
    }

    // LoRDQ as printed with the largest rank that takes no more than these bits.
    private static Lordq PrintedAt(long bits, LayerShape layer)
    {
        var printed = new Lordq();
        int rank = Math.Min(layer.Rows, layer.Columns);
        while (rank > 1 && printed.BitsOf(layer, rank) > bits) rank--;
        return printed with { Rank = rank };
    }

    private static double[] Errors(Checkpoint checkpoint, ModelSpec spec, string statistics, int stride, Func<LayerShape, Method> method)
    {
        var errors = new List<double>();
        for (int b = 0; b < spec.BlockCount; b += stride)
        {
            using var file = Checkpoint.Open(Path.Combine(statistics, $"block-{b:D3}.safetensors"));
            var places = spec.Projections(b);
            var grams = places.Select(p => p.Site).Distinct().ToDictionary(s => s, s => Gram(file, s));
            var found = new double[places.Count];
            Threads.For(places.Count, i =>
            {
                var weight = checkpoint.Tensors[$"{places[i].Name}.weight"].ReadMatrix();
                var problem = new LayerProblem(places[i].Name, weight, grams[places[i].Site]);
                found[i] = ProxyLoss.Relative(problem, method(new(places[i].Name, places[i].Rows, places[i].Columns)).Compress(problem));
            });
            errors.AddRange(found);
        }
        return [.. errors];
    }

    // The lower triangle, row by row.
    public static InputStatistics Gram(Checkpoint file, InputSite site)
    {
        var under = file.Tensors.Under(JsonNamingPolicy.CamelCase.ConvertName(site.ToString()));
        double[] lower = under["gram"].ReadArray<double>();
        int n = (int)((Math.Sqrt(8.0 * lower.Length + 1) - 1) / 2);
        var gram = new Matrix<double>(n, n);
        for (int i = 0; i < n; i++) lower.AsSpan(i * (i + 1) / 2, i + 1).CopyTo(gram.Row(i));
        LinearAlgebra.Symmetrize(gram);
        return new(under["tokens"].ReadArray<long>()[0], gram);
    }
}
