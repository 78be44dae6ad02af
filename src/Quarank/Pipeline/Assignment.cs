using System.IO.Enumeration;
using Quarank.Compression;

namespace Quarank.Pipeline;

/// <summary>
/// The method of every layer of a model: the recipe's own, overruled by what its <see cref="Recipe.Layers"/> say. Each method is
/// fitted to the layers that it has: a budget of bits per weight counts those alone.
/// </summary>
public sealed class Assignment
{
    private readonly Dictionary<string, Method> _methods;
    private readonly Dictionary<string, ScaledMethod> _folded = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _refusals = new(StringComparer.Ordinal);

    private Assignment(Dictionary<string, Method> methods, IReadOnlyList<LayerShape> layers)
    {
        _methods = methods;
        foreach (var site in layers.GroupBy(l => l.FoldedSite ?? l.Name)) Fold([.. site]);
    }

    /// <summary>The method of a layer, ready to compress it.</summary>
    /// <param name="layer">As in the checkpoint, without the trailing <c>.weight</c>.</param>
    public Method this[string layer] => _methods[layer];

    /// <summary>What compresses a layer once factors of its channels are folded: the inner method of one that scales; elsewhere its method.</summary>
    public Method Compressing(string layer) => _folded.TryGetValue(layer, out var scaled) ? ((ScaledMethod)_methods[layer]).Inner : _methods[layer];

    /// <summary>The method that chooses factors for all layers that read what this one reads, to be folded into the operation before; null for none.</summary>
    internal ScaledMethod? Folding(string layer) => _folded.GetValueOrDefault(layer);

    /// <summary>Why a layer whose method would fold its factors keeps them; null where it folds them or has none.</summary>
    internal string? KeptFactors(string layer) => _refusals.GetValueOrDefault(layer);

    /// <summary>Whether any layer's method needs what calibration gathers.</summary>
    public bool NeedsGram => _methods.Values.Any(m => m.Needs.HasFlag(Needs.Gram));

    /// <summary>Gives every layer its method.</summary>
    /// <exception cref="InvalidDataException">A name that no layer has, two patterns that quarrel, or a budget that cannot be
    /// met.</exception>
    public static Assignment Of(Recipe recipe, IReadOnlyList<LayerShape> layers)
    {
        var rules = recipe.Layers ?? new Dictionary<string, Method>();
        foreach (string name in rules.Keys)
            if (!layers.Any(l => Matches(name, l.Name)))
                throw new InvalidDataException($"The recipe's layers name '{name}', which matches no layer of this model; "
                    + $"its layers are called like '{layers[0].Name}', and * stands for anything.");
        var methods = new Dictionary<string, Method>(StringComparer.Ordinal);
        foreach (var group in layers.GroupBy(l => RuleOf(rules, l.Name)))
        {
            var fitted = Fitted(group.Key is null ? recipe.Method : rules[group.Key], [.. group]);
            foreach (var layer in group) methods.Add(layer.Name, fitted);
        }
        return new(methods, layers);
    }

    // The layers of a site take the same factors or keep their own.
    private void Fold(LayerShape[] site)
    {
        var scaled = site.Select(l => _methods[l.Name]).OfType<ScaledMethod>().Where(m => m.Fold).ToList();
        if (scaled.Count == 0) return;
        bool alike = scaled.Count == site.Length && scaled.All(m => m with { Inner = scaled[0].Inner } == scaled[0]);
        string? refusal = site[0].FoldedSite is null ? site[0].FoldRefusal ?? "nothing is known before it that could take them"
            : alike ? null : "other layers that read the same have another method";
        if (refusal is not null && site.FirstOrDefault(l => _methods[l.Name] is ScaledMethod { Fold: true, Rounding: not null }) is { } rounded)
            throw new InvalidDataException($"{rounded.Name}: factors of inputs that are rounded must be folded, but {refusal}; give this layer and those beside it another method.");
        foreach (var layer in site)
            if (refusal is null) _folded.Add(layer.Name, scaled[0]);
            else if (_methods[layer.Name] is ScaledMethod { Fold: true }) _refusals.Add(layer.Name, refusal);
    }

    /// <summary>The key that rules a layer: its own name, or else the pattern that says most of it; null for none.</summary>
    private static string? RuleOf(IReadOnlyDictionary<string, Method> rules, string layer)
    {
        if (rules.ContainsKey(layer)) return layer;
        string[] best = [.. rules.Keys.Where(r => Matches(r, layer)).GroupBy(r => r.Count(c => c != '*'))
            .MaxBy(g => g.Key) ?? Enumerable.Empty<string>()];
        if (best.Select(r => rules[r]).Distinct().Count() > 1)
            throw new InvalidDataException($"The recipe's layers say different methods for '{layer}': "
                + $"{string.Join(" and ", best.Order(StringComparer.Ordinal).Select(r => $"'{r}'"))} match it alike.");
        return best.Min(StringComparer.Ordinal);
    }

    private static bool Matches(string pattern, string layer) =>
        FileSystemName.MatchesSimpleExpression(pattern, layer, ignoreCase: false);

    private static Method Fitted(Method method, IReadOnlyList<LayerShape> layers)
    {
        try
        {
            return method.Fit(layers);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }
}
