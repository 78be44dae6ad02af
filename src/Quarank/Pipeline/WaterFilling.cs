using Quarank.Compression;
using Quarank.Compression.Allocation;
using Quarank.Compression.Methods;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>
/// Turns LoRDQ's <c>ranks: waterFilling</c> into explicit ranks: a survey of the original model gives every layer's spectrum, and
/// one budget of stored bytes is spent over all layers that share a method.
/// </summary>
public static class WaterFilling
{
    /// <summary>Whether a recipe asks for it.</summary>
    public static bool IsAsked(Recipe recipe) =>
        recipe.Methods.Any(Asks);

    /// <summary>The recipe with a rank for each of the layers concerned, under <see cref="Recipe.Layers"/>.</summary>
    /// <param name="survey">Of the model that the recipe is for.</param>
    /// <param name="sensitivity">What a part of a layer's output energy counts; 1 for all when absent.</param>
    /// <exception cref="InvalidDataException">A budget that cannot be met.</exception>
    public static Recipe Resolve(
        Recipe recipe, Survey survey, Func<string, double>? sensitivity = null, IProgress<RunProgress>? progress = null,
        CancellationToken token = default)
    {
        var shapes = Plan.Shapes(survey.Spec);
        var methods = Assignment.Of(recipe, shapes);
        var asking = shapes.Where(s => Asks(methods[s.Name])).ToLookup(s => (Lordq)methods[s.Name]);
        if (asking.Count == 0) return recipe;

        var energies = Energies(survey, name => methods[name] is Lordq lordq && Asks(lordq) ? lordq : null, progress, token);
        var layers = (recipe.Layers ?? new Dictionary<string, Method>()).ToDictionary(StringComparer.Ordinal);
        foreach (var group in asking)
        {
            long weights = group.Sum(s => (long)s.Rows * s.Columns), bits = (long)Math.Floor(group.Key.BitsPerWeight * weights);
            LayerEnergies[] filled =
                [.. group.Select(s => energies[s.Name] with { Sensitivity = sensitivity?.Invoke(s.Name) ?? 1 })];
            int[] ranks = Ranks(group.Key, filled, bits);
            for (int i = 0; i < ranks.Length; i++)
                layers[filled[i].Shape.Name] = group.Key with { Rank = ranks[i], RankFraction = null, Ranks = RankRule.Uniform };
        }
        return recipe with { Layers = layers };
    }

    /// <summary>The spectra of the layers that have a method, as it sees them, block by block.</summary>
    private static Dictionary<string, LayerEnergies> Energies(
        Survey survey, Func<string, Lordq?> methodOf, IProgress<RunProgress>? progress, CancellationToken token)
    {
        var energies = new Dictionary<string, LayerEnergies>(StringComparer.Ordinal);
        int[] blocks = [.. Enumerable.Range(0, survey.Spec.BlockCount)
            .Where(b => survey.Spec.Projections(b).Any(p => methodOf(p.Name) is not null))];
        survey.VisitLayers(blocks, (_, layers) =>
        {
            var found = new LayerEnergies?[layers.Count];
            Threads.For(layers.Count, i =>
            {
                token.ThrowIfCancellationRequested();
                if (methodOf(layers[i].Name) is { } method) found[i] = LayerEnergies.Of(layers[i].For(method, 0), method);
            });
            foreach (var layer in found) if (layer is not null) energies.Add(layer.Shape.Name, layer);
        }, progress, token);
        return energies;
    }

    private static bool Asks(Method method) => method is Lordq { Ranks: RankRule.WaterFilling, Rank: null };

    private static int[] Ranks(Lordq method, LayerEnergies[] layers, long bits)
    {
        try
        {
            return RankFilling.Ranks(method, layers, bits);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }
}
