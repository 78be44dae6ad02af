using System.Text.Json.Serialization;
using Quarank.Compression.Methods;
using Quarank.Layers;

namespace Quarank.Compression;

/// <summary>What calibration must gather for a method.</summary>
[Flags]
public enum Needs { Nothing = 0, Gram = 1 }

/// <summary>A compression method: its properties are the paper's hyper-parameters, <see cref="Compress"/> the paper's algorithm.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "method")]
[JsonDerivedType(typeof(RoundToNearest), "rtn")]
[JsonDerivedType(typeof(Gptq), "gptq")]
[JsonDerivedType(typeof(Lordq), "lordq")]
[JsonDerivedType(typeof(LordqBest), "lordq-best")]
[JsonDerivedType(typeof(Exact), "exact")]
[JsonDerivedType(typeof(Lattice), "lattice")]
[JsonDerivedType(typeof(Trellis), "trellis")]
[JsonDerivedType(typeof(Incoherent), "incoherent")]
[JsonDerivedType(typeof(Caldera), "caldera")]
[JsonDerivedType(typeof(Quip), "quip")]
[JsonDerivedType(typeof(LowRank), "low-rank")]
[JsonDerivedType(typeof(Corrected), "corrected")]
[JsonDerivedType(typeof(Lplr), "lplr")]
[JsonDerivedType(typeof(Keep), "keep")]
[JsonDerivedType(typeof(FlexRound), "flexround")]
[JsonDerivedType(typeof(Lrq), "lrq")]
[JsonDerivedType(typeof(OmniQuant), "omniquant")]
[JsonDerivedType(typeof(Awq), "awq")]
[JsonDerivedType(typeof(RoundedInputs), "rounded-inputs")]
[JsonDerivedType(typeof(Lrc), "lrc")]
public abstract record Method
{
    /// <summary>What calibration must gather for this method.</summary>
    [JsonIgnore] public virtual Needs Needs => Needs.Gram;

    /// <summary>How calibration tokens should be weighted where a recipe does not say; chosen by measurement (docs/results.md).</summary>
    [JsonIgnore] public virtual TokenWeights PreferredWeights => TokenWeights.None;

    /// <summary>What it rounds a layer's input to, so that calibration gathers sums of that too; null for a method that leaves inputs alone.</summary>
    [JsonIgnore] public virtual InputRounding? Rounding => null;

    /// <summary>What learns whole blocks, where this is such a method or is around one; null elsewhere.</summary>
    [JsonIgnore] public virtual BlockMethod? Learner => null;

    /// <summary>Refuses hyper-parameters that make no sense, naming them; called before anything else is done.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two do not go together.</exception>
    public abstract void Validate();

    /// <summary>This method made ready for a whole model: one whose budget is the model's works out here what each layer may have.</summary>
    /// <exception cref="ArgumentException">The budget cannot be met.</exception>
    public virtual Method Fit(IReadOnlyList<LayerShape> layers) => this;

    /// <summary>The bits per weight that <see cref="Fit"/> is going to spend; null for a method whose other options say its size.</summary>
    [JsonIgnore] public virtual double? BudgetBitsPerWeight => null;

    /// <summary>Every bit that the layer of this shape will take, as far as it does not depend on the numbers.</summary>
    public abstract long PlannedBits(LayerShape layer);

    /// <summary>
    /// This method with its free knobs (a budget; bits and group size) set so that the layers' stored bits come as near as
    /// possible to <paramref name="bitsPerWeight"/> on average, and exceed it by at most <see cref="Excess"/>.
    /// </summary>
    /// <returns>Null if no setting does; always, for a method without such knobs.</returns>
    public virtual Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) => null;

    /// <summary>By what part of it <see cref="AtBitsPerWeight"/> may exceed what it was asked for.</summary>
    internal const double Excess = 0.005;

    /// <summary>About how much memory <see cref="Compress"/> and the measuring of its loss take beside the problem itself, bytes.</summary>
    internal virtual long WorkBytes(int rows, int columns) => 8L * (4L * columns * columns + 4L * rows * columns);

    /// <summary>The layer as it is stored, around what the <see cref="Learner"/> made of the same problem.</summary>
    internal virtual Linear Around(LayerProblem problem, Linear learned) => learned;

    /// <summary>Compresses one layer. Pure: the same problem gives the same layer, and nothing of the problem is changed.</summary>
    public abstract Linear Compress(LayerProblem problem);
}
