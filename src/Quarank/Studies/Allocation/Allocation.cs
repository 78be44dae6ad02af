using System.Text.Json;
using Quarank.Compression;
using Quarank.Pipeline;

namespace Quarank.Studies.Allocation;

/// <summary>A choice, as it would be for the whole model.</summary>
/// <param name="Method">As asked for.</param>
/// <param name="BitsPerWeight">Every stored bit when all layers take it.</param>
/// <param name="Fits">Whether that is within the budget.</param>
/// <param name="Predicted">Sum over the layers of what each layer's change is charged with.</param>
/// <param name="MeanError">Mean over the layers of the relative output error.</param>
/// <param name="Layers">How many layers take it in the allocation.</param>
public sealed record AllocationChoice(
    string Name, Method Method, double BitsPerWeight, bool Fits, double Predicted, double MeanError, int Layers);

/// <summary>A whole model of the choices, measured on the probes.</summary>
/// <param name="Name">"allocated", or the uniform choice.</param>
/// <param name="Predicted">Sum over the layers of what each layer's change is charged with.</param>
/// <param name="Kl">Mean of KL(dense ‖ model) over the probes' tokens, in nats.</param>
/// <param name="KlError">Its standard error.</param>
/// <param name="Perplexity">On the probes.</param>
public sealed record MeasuredSelection(
    string Name, double BitsPerWeight, double Predicted, double Kl, double KlError, double Perplexity);

/// <summary>What one layer takes.</summary>
/// <param name="Predicted">What its change is charged with.</param>
/// <param name="Error">Its relative output error.</param>
public sealed record AllocatedLayer(string Name, string Choice, long Bits, double BitsPerWeight, double Predicted, double Error);

/// <summary>The least predicted loss at a budget.</summary>
public sealed record FrontierPoint(double BitsPerWeight, double Predicted);

/// <summary>How alike two measures order all changes of single layers (Spearman; 1 = the same order).</summary>
/// <param name="Scaled">One measured change in each layer by kind of method, scaled by relative error, against measuring each.</param>
/// <param name="Error">The relative output error against measuring each.</param>
public sealed record MeasureAgreement(double Scaled, double Error);

/// <summary>What allocation found; stands beside the recipe it gives.</summary>
/// <param name="BudgetBits">Stored bits that all layers together may take.</param>
/// <param name="BitsPerWeight">What they take.</param>
/// <param name="DensePerplexity">Of the original, on the probes.</param>
/// <param name="Measured">Allocations and the uniform choices within the budget, best first.</param>
/// <param name="Kept">The name of the one that became the recipe.</param>
/// <param name="Gap">By what part of it the allocation's predicted loss can at most exceed the least one.</param>
/// <param name="Frontier">Of allocations, from the cheapest to the best selection.</param>
/// <param name="Agreement">Null unless every change was measured.</param>
/// <param name="Recipe">What to run.</param>
public sealed record Allocation(
    string Program, AllocationRecipe Asked, long BudgetBits, double BitsPerWeight, double DensePerplexity,
    IReadOnlyList<MeasuredSelection> Measured, string Kept, double Gap, IReadOnlyList<AllocationChoice> Choices,
    IReadOnlyList<AllocatedLayer> Layers, IReadOnlyList<FrontierPoint> Frontier, MeasureAgreement? Agreement, Recipe Recipe)
{
    /// <summary>Indented; infinite numbers are written as strings.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RunJson.Options);
}

/// <summary>Where allocation stands.</summary>
/// <param name="Stage">In words.</param>
/// <param name="Total">Of the whole, 0 … 1.</param>
public sealed record AllocationProgress(string Stage, double Total);

/// <summary>What does not change the result.</summary>
public sealed record AllocationOptions(string WorkFolder)
{
    /// <summary>Gram matrices of the original that are kept elsewhere; otherwise they are in the work folder.</summary>
    public string? Statistics { get; init; }

    /// <summary>What to call the choices; by default, their methods in short.</summary>
    public IReadOnlyList<string>? Names { get; init; }
}
