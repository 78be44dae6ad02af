using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;

namespace Quarank.Benchmarks;

/// <summary>
/// Methods on the matrices of a model from kept Gram matrices, without a forward pass: bits, mean relative error, on how many matrices each is below the
/// first one, CPU seconds; with a file, the error and the notes of every matrix.
/// </summary>
internal static class LayerErrors
{
    /// <param name="statistics">A folder written by <c>compress --statistics</c>.</param>
    /// <param name="methods">JSON: names and methods; the first is what the others are set beside.</param>
    /// <param name="blocks">Every so-many-th block.</param>
    public static void Run(string model, string statistics, string methods, int blocks, string? file)
    {
        using var checkpoint = Checkpoint.Open(model);
        var spec = ModelSpec.Of(checkpoint);
        var known = JsonSerializer.Deserialize<Dictionary<string, Method>>(File.ReadAllText(methods), JsonSerializerOptions.Web)!;
        var layers = Enumerable.Range(0, spec.BlockCount).Where(b => b % blocks == 0).SelectMany(spec.Projections).ToArray();
        var shapes = layers.Select(l => new LayerShape(l.Name, l.Rows, l.Columns)).ToArray();
        double weights = shapes.Sum(s => (double)s.Rows * s.Columns);
        var found = known.Keys.ToDictionary(name => name, _ => (Errors: new List<double>(), Seconds: 0.0));
        using var lines = file is null ? null : new StreamWriter(file);
        for (int b = 0; b < spec.BlockCount; b += blocks)
        {
            using var stored = Checkpoint.Open(Path.Combine(statistics, $"block-{b:D3}.safetensors"));
            var places = spec.Projections(b);
            var grams = places.Select(p => p.Site).Distinct().ToDictionary(s => s, s => VariantTable.Gram(stored, s));
            foreach (var (name, method) in known)
            {
                var fitted = method.Fit(shapes);
                var (errors, notes) = (new double[places.Count], new List<string>[places.Count]);
                var cpu = Process.GetCurrentProcess().TotalProcessorTime;
                Threads.For(places.Count, i =>
                {
                    notes[i] = [];
                    var problem = new LayerProblem(places[i].Name, checkpoint.Tensors[$"{places[i].Name}.weight"].ReadMatrix(), grams[places[i].Site],
                        LayerCompressor.SeedOf(places[i].Name, 0), notes[i].Add);
                    errors[i] = ProxyLoss.Relative(problem, fitted.Compress(problem));
                });
                found[name].Errors.AddRange(errors);
                found[name] = found[name] with { Seconds = found[name].Seconds + (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds };
                for (int i = 0; i < places.Count; i++)
                    lines?.WriteLine(JsonSerializer.Serialize(new { method = name, layer = places[i].Name, error = errors[i], notes = notes[i] }, JsonSerializerOptions.Web));
                lines?.Flush();
            }
        }
        var first = found.Values.First().Errors;
        Console.WriteLine($"{layers.Length} matrices\n{"method",-48} {"bits",7} {"error",9} {"below the first",16} {"ratio",8} {"CPU s",8}");
        foreach (var (name, (errors, seconds)) in found)
        {
            double bits = shapes.Sum(known[name].Fit(shapes).PlannedBits) / weights, below = errors.Zip(first).Count(e => e.First < e.Second) / (double)errors.Count;
            double ratio = Math.Exp(errors.Zip(first).Average(e => Math.Log(e.First / e.Second)));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-48} {bits,7:0.0000} {errors.Average(),9:0.000000} {below,16:0.0 %} {ratio,8:0.0000} {seconds,8:0.0}"));
        }
    }
}
