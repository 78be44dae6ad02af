using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Pipeline;

namespace Quarank.Studies.Allocation;

/// <summary>What can be said of an allocation before anything is measured.</summary>
public static class AllocationPlan
{
    /// <summary>The largest choice that fits all layers within the budget; the smallest of all when none does.</summary>
    /// <exception cref="InvalidDataException">A choice does not fit this model.</exception>
    public static (Recipe Recipe, Plan Plan) OfUniform(Checkpoint checkpoint, ModelSpec spec, AllocationRecipe asked)
    {
        asked.Check();
        var plans = asked.Choices.Select(c => (Recipe: asked.With(c), Plan: Plan.Of(checkpoint, spec, asked.With(c)))).ToList();
        return plans.Where(p => p.Plan.BitsPerWeight <= asked.BitsPerWeight).DefaultIfEmpty(plans.MinBy(p => p.Plan.BitsPerWeight))
            .MaxBy(p => p.Plan.BitsPerWeight);
    }
}
