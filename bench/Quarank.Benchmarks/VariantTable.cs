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
/// Variants of a method on all matrices of a model from kept Gram matrices, without a forward pass, each brought to the stored bytes of LoRDQ as
/// printed: mean relative error, on how many matrices it is not above the printed one's, seconds.
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
        var spec = ModelSpec.Read(checkpoint.Config);
        var shapes = Enumerable.Range(0, spec.BlockCount).SelectMany(spec.Projections).Select(p => new LayerShape(p.Name, p.Rows, p.Columns)).ToArray();
        double weights = shapes.Sum(s => (double)s.Rows * s.Columns);
        var variants = JsonSerializer.Deserialize<Dictionary<string, Method>>(File.ReadAllText(methods), Reading)!;

        Console.WriteLine($"{"variant",-60} {"bits",7} {"error",8} {"worst",8} {"not worse",10} {"seconds",8}");
        foreach (string asked in bits.Split(','))
        {
            double[]? printed = null;
            foreach (var (name, method) in variants.Prepend(new("as printed", new Lordq())))
            {
                if (method.AtBitsPerWeight(double.Parse(asked, CultureInfo.InvariantCulture), shapes) is not { } sized)
                {
                    Console.WriteLine($"{name,-60} cannot have {asked} bits per weight");
                    continue;
                }
                var fitted = sized.Fit(shapes);
                var clock = Stopwatch.StartNew();
                var errors = Errors(checkpoint, spec, statistics, stride, fitted);
                printed ??= errors;
                double share = errors.Zip(printed).Count(e => e.First <= e.Second) / (double)errors.Length;
                Console.WriteLine(FormattableString.Invariant(
                    $"{name,-60} {shapes.Sum(fitted.PlannedBits) / weights,7:0.0000} {errors.Average(),8:0.00000} {errors.Max(),8:0.0000} {share,10:0.0 %} {clock.Elapsed.TotalSeconds,8:0.0}"));
            }
        }
    }

    private static double[] Errors(Checkpoint checkpoint, ModelSpec spec, string statistics, int stride, Method method)
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
                found[i] = ProxyLoss.Relative(problem, method.Compress(problem));
            });
            errors.AddRange(found);
        }
        return [.. errors];
    }

    // The lower triangle, row by row.
    private static InputStatistics Gram(Checkpoint file, InputSite site)
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
