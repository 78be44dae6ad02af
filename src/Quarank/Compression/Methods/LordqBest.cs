using System.Text.Json.Serialization;
using Quarank.Compression.Rounding;
using Quarank.Layers;

namespace Quarank.Compression.Methods;

/// <summary>The variant of LoRDQ with the least calibration loss of those tried at a budget (docs/methods.md says on what). <see cref="Fit"/> turns it into a <see cref="Lordq"/> that says all of it.</summary>
/// <param name="BitsPerWeight">The budget over all compressed layers, every stored byte counted.</param>
public sealed record LordqBest(double BitsPerWeight = 2) : Method
{
    [JsonIgnore] public override double? BudgetBitsPerWeight => BitsPerWeight;

    [JsonIgnore] public override TokenWeights PreferredWeights => Variant.PreferredWeights;

    public override void Validate() => Variant.Validate();

    public override Method Fit(IReadOnlyList<LayerShape> layers) => Variant.Fit(layers);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        (this with { BitsPerWeight = bitsPerWeight }).Variant.AtBitsPerWeight(bitsPerWeight, layers) is null ? null : this with { BitsPerWeight = bitsPerWeight };

    /// <summary>As if the layer were the whole model.</summary>
    public override long PlannedBits(LayerShape layer) => Fit([layer]).PlannedBits(layer);

    /// <inheritdoc cref="PlannedBits"/>
    public override Linear Compress(LayerProblem problem) => Fit([new(problem.Name, problem.Rows, problem.Columns)]).Compress(problem);

    /// <summary>
    /// What it stands for at its budget: factors alone while a grid of 2 bits and its scales would leave nothing for them; beyond that the
    /// finest grid that fits, and factors for its error.
    /// </summary>
    [JsonIgnore]
    public Lordq Variant
    {
        get
        {
            var factors = new Lordq(BitsPerWeight, Blocks: 1, PBits: 2, QBits: 2, Refit: true, Feedback: LordqFeedback.Both, Levels: CodeLevels.Normal,
                Range: GridRange.Clip);
            int bits = (int)Math.Min(8, BitsPerWeight - LeastForFactors);
            if (bits < 2) return factors with { Lead = new(Rank: 4, Then: new(Rank: 16, 4, 4, Then: new(0, 3, 3, Share: 0.1))) };
            var levels = bits <= 4 ? CodeLevels.Normal : CodeLevels.ZeroPoint;
            return factors with { Lead = new(Rank: 4, Then: new(Rank: 8, 4, 4)), Rest = new(bits, Levels: levels, First: true, Rounds: 1) };
        }
    }

    // Bits per weight beside a grid's codes: its scales, and factors worth having.
    private const double LeastForFactors = 0.15;
}
