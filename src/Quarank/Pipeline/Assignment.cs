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

    private Assignment(Dictionary<string, Method> methods) => _methods = methods;

    /// <summary>The method of a layer, ready to compress it.</summary>
    /// <param name="layer">As in the checkpoint, without the trailing <c>.weight</c>.</param>
    public Method this[string layer] => _methods[layer];

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
        return new(methods);
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
