using System.Text.Json;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Pipeline;

namespace Quarank.Studies.Allocation;

/// <summary>Short names for choices: "gptq 3 bits g64 clip", "lordq 2.5 bits"; a number behind a name that is not the first.</summary>
internal static class ChoiceNames
{
    public static IReadOnlyList<string> Of(IReadOnlyList<Method> methods, IReadOnlyList<string>? given)
    {
        string[] names = [.. methods.Select((m, i) => given is not null && i < given.Count ? given[i] : Of(m))];
        for (int i = 0; i < names.Length; i++)
        {
            int before = names[..i].Count(n => n == names[i] || n.StartsWith($"{names[i]} #", StringComparison.Ordinal));
            if (before > 0) names[i] += $" #{before + 1}";
        }
        return names;
    }

    private static string Of(Method method)
    {
        var (grid, range) = method switch
        {
            RoundToNearest rtn => (rtn.Grid, rtn.Range),
            Gptq gptq => (gptq.Grid, gptq.Range),
            _ => ((GridFormat?)null, GridRange.MinMax),
        };
        string name = JsonSerializer.SerializeToElement(method, RecipeJson.Options).GetProperty("method").GetString()!;
        if (grid is not null)
            return $"{name} {grid.Bits} bits{(grid.GroupSize > 0 ? $" g{grid.GroupSize}" : "")}{(range == GridRange.Clip ? " clip" : "")}";
        if (method is LowRank { Rank: null } lowRank) return FormattableString.Invariant($"{name} {lowRank.BitsPerWeight} bits");
        return method is Lordq lordq ? FormattableString.Invariant($"{name} {lordq.BitsPerWeight} bits")
            + (lordq.Ranks == RankRule.WaterFilling ? " water-filled" : "") : name;
    }
}
