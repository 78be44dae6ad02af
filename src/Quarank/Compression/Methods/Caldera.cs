using System.Text.Json.Serialization;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// CALDERA (Saha et al. 2024, arXiv:2405.18886): W ≈ Q + L R in rotated coordinates, Q in a code of blocks with feedback, L and R on the lattice or in
/// float16; the two take turns, each fitted to what the other leaves, and the best pair is kept.
/// </summary>
/// <param name="Rank">Of L R; at most what the layer has.</param>
/// <param name="Bits">Of Q: 2, 3 or 4 on the lattice, 1.5 to 4 in halves in a trellis.</param>
/// <param name="FactorBits">Of L and R: 2, 3, 4 or 16.</param>
/// <param name="Iterations">How often Q and L R are each made anew.</param>
/// <param name="FactorIterations">How often L and R are each rounded anew for the other, within an iteration.</param>
/// <param name="Start">What comes first; with outliers it is ODLRI.</param>
/// <param name="Outliers">Columns that ODLRI starts with; 0 is the rule: rank / 16, at least one.</param>
/// <param name="Downdate">Q's feedback does not see the directions that L R spans.</param>
/// <param name="Passes">Of coordinate descent in each rounding of Q; null is what the code has alone.</param>
/// <param name="Damping">λ: λ · mean(diag H) is added to the diagonal.</param>
/// <param name="BitsPerWeight">A budget of stored bits over all layers: the largest rank that it allows, in steps of eight, in the place of <paramref name="Rank"/>.</param>
/// <param name="Nearest">Q's groups always to their nearest points, as <see cref="Lattice"/> says.</param>
/// <param name="Codes">What Q is stored as.</param>
/// <param name="StateBits">Of a trellis, as <see cref="Trellis"/> says.</param>
public sealed record Caldera(int Rank = 32, double Bits = 2, int FactorBits = 4, int Iterations = 3, int FactorIterations = 10,
    CalderaStart Start = CalderaStart.Quantize, int Outliers = 0, bool Downdate = false, int? Passes = null, double Damping = 0.01, bool Nearest = false,
    double? BitsPerWeight = null, CalderaCodes Codes = CalderaCodes.Lattice, int StateBits = 0) : Method
{
    /// <summary>What rounds Q.</summary>
    internal BlockCoded Code => Codes switch
    {
        CalderaCodes.Trellis => new Trellis(Bits, StateBits, Passes ?? new Trellis().Passes, Damping),
        _ when Bits != Math.Floor(Bits) => throw new ArgumentException(FormattableString.Invariant($"The lattice has whole bits, not {Bits}; halves are for a Q of trellis codes.")),
        _ => new Lattice((int)Bits, Passes ?? new Lattice().Passes, Damping, Nearest: Nearest),
    };

    [JsonIgnore] public override double? BudgetBitsPerWeight => BitsPerWeight;

    public override void Validate()
    {
        Code.Validate();
        if (Nearest && Codes != CalderaCodes.Lattice) throw new ArgumentException("The nearest points are those of the lattice, not of a trellis.");
        if (StateBits != 0 && Codes != CalderaCodes.Trellis) throw new ArgumentException("The lattice has no states; their bits are for a Q of trellis codes.");
        if (FactorBits is not (2 or 3 or 4 or 16)) throw new ArgumentException($"Factors have 2, 3, 4 or 16 bits, not {FactorBits}.");
        if (Rank < 1 || Iterations < 1 || FactorIterations < 1)
            throw new ArgumentException($"Rank and iterations are at least 1, not {Rank}, {Iterations} and {FactorIterations}; without a rank use the method lattice.");
        if (Outliers < 0 || Outliers > Rank) throw new ArgumentException($"At most {Rank} outlier columns fit factors of that rank, not {Outliers}.");
        if (Outliers > 0 && Start != CalderaStart.Outliers) throw new ArgumentException("Outlier columns are for the start with outliers.");
    }

    public override Method Fit(IReadOnlyList<LayerShape> layers)
    {
        if (BitsPerWeight is not { } budget) return this;
        return AtBitsPerWeight(budget, layers) ?? throw new ArgumentException(FormattableString.Invariant(
            $"No rank brings CALDERA with {Bits} bits to {budget} bits per weight; it takes from {((double)layers.Sum((this with { Rank = 8 }).PlannedBits) / layers.Sum(l => (double)l.Rows * l.Columns)):0.00} on."));
    }

    public override long PlannedBits(LayerShape layer)
    {
        int rank = RankOf(layer.Rows, layer.Columns);
        long factors = FactorBits == 16 ? 16L * rank * (layer.Rows + layer.Columns)
            : new LatticeFormat(FactorBits).BitsOf(layer.Rows, rank) + new LatticeFormat(FactorBits).BitsOf(rank, layer.Columns);
        return Code.PlannedBits(layer) + factors + TransformedFormat.SeedBits;
    }

    /// <summary>The largest rank, in steps of eight, that the budget allows beside Q.</summary>
    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        double budget = layers.Sum(l => (double)l.Rows * l.Columns) * bitsPerWeight;
        int most = layers.Max(l => Math.Min(l.Rows, l.Columns)) / 2;
        return Enumerable.Range(1, Math.Max(1, most / 8)).Reverse().Select(k => this with { Rank = 8 * k, BitsPerWeight = null })
            .FirstOrDefault(m => layers.Sum(m.PlannedBits) / budget is >= 0.9 and <= 1 + Excess);
    }

    // Rotation and code as theirs; the root of H once more, and W, Q, L R and their differences in double.
    internal override long WorkBytes(int rows, int columns) => (Downdate ? 96L : 56L) * columns * columns + 108L * rows * columns;

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var rotation = new Rotation(problem);
        var start = Start == CalderaStart.Outliers ? rotation.Turned(OutlierColumns(problem, RankOf(problem.Rows, problem.Columns))) : null;
        return rotation.Back(new CalderaLayer(this, rotation.Turned()).Compress(start));
    }

    internal int RankOf(int rows, int columns) => Math.Min(Rank, Math.Min(rows, columns));

    /// <summary>W on the columns of the strongest inputs, zero elsewhere: what ODLRI's first factors are exactly, in the original coordinates.</summary>
    internal Matrix<float> OutlierColumns(LayerProblem problem, int rank)
    {
        var h = problem.Inputs.Gram;
        int count = Math.Min(Outliers > 0 ? Outliers : Math.Max(1, rank / 16), rank);
        int[] columns = [.. Enumerable.Range(0, h.Rows).OrderByDescending(j => h[j, j]).Take(count)];
        var kept = new Matrix<float>(problem.Rows, problem.Columns);
        for (int i = 0; i < problem.Rows; i++)
            foreach (int j in columns) kept[i, j] = h[j, j] > 0 ? problem.Weight[i, j] : 0;
        return kept;
    }
}
