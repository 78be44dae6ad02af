namespace Quarank.Evaluation;

/// <summary>A figure measured on a sample.</summary>
/// <param name="Value">As it came out.</param>
/// <param name="Error">One standard error, in the same unit; tokens count as independent of one another.</param>
public readonly record struct Estimate(double Value, double Error);
