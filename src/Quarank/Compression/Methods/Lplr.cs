using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// LPLR (Saha et al. 2023, arXiv:2310.11028): W ≈ L R with quantized factors and no look at the inputs. L is a rounded random sketch W S of the columns, R the rounded
/// least-squares L⁺ W; further parts do the same for what those before them leave.
/// </summary>
/// <remarks>Here every column of L and row of R has its own scale and offset (from smallest to largest entry), where the authors' program has one for a whole matrix.</remarks>
/// <param name="BitsPerWeight">What every layer may take.</param>
/// <param name="Rank">Components of every layer, as far as it has them; goes before the budget.</param>
/// <param name="LeftBits">Of L's codes, 2 to 8, or 16.</param>
/// <param name="RightBits">Of R's codes, 2 to 8, or 16.</param>
/// <param name="PowerIterations">How often the sketch is multiplied by W Wᵀ, which turns it towards the largest singular vectors.</param>
/// <param name="Sketched">A Gaussian sketch; otherwise the largest singular vectors themselves.</param>
/// <param name="Parts">How many products the rank is cut into.</param>
/// <param name="LayerBitsPerWeight">What each layer may take so that all together fill the budget; worked out by <see cref="Fit"/>.</param>
public sealed record Lplr(double BitsPerWeight = 4, int? Rank = null, int LeftBits = 8, int RightBits = 8, int PowerIterations = 0, bool Sketched = true, int Parts = 1,
    double? LayerBitsPerWeight = null) : Method
{
    [JsonIgnore] public override Needs Needs => Needs.Nothing;

    [JsonIgnore] public override double? BudgetBitsPerWeight => Rank is null ? BitsPerWeight : null;

    private Lordq Style => new(Blocks: Parts, PBits: LeftBits, QBits: RightBits);

    private RankBudget Ranks => new(Style, Rank, BitsPerWeight, LayerBitsPerWeight, _ => 0);

    public override void Validate()
    {
        Ranks.Validate();
        if (PowerIterations < 0) throw new ArgumentException($"Power iterations are counted from 0 on, not {PowerIterations}.");
        if (PowerIterations > 0 && !Sketched) throw new ArgumentException("Power iterations turn a sketch; singular vectors need none.");
    }

    public override Method Fit(IReadOnlyList<LayerShape> layers) => Rank is null ? this with { LayerBitsPerWeight = Ranks.Filled(layers) } : this;

    public override long PlannedBits(LayerShape layer) => Ranks.BitsOf(layer);

    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers)
    {
        var method = this with { BitsPerWeight = bitsPerWeight, Rank = null, LayerBitsPerWeight = null };
        return method.Ranks.Reaches(layers) ? method : null;
    }

    internal override long WorkBytes(int rows, int columns) => 40L * rows * columns + 48L * Ranks.RankFor(new("", rows, columns)) * (rows + columns);

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        int rank = Ranks.RankFor(new(problem.Name, problem.Rows, problem.Columns)), parts = Math.Min(Parts, rank);
        var left = CalderaFactors.Wide(problem.Weight);
        var (ls, rs) = (new List<FactorCodes>(), new List<FactorCodes>());
        for (int part = 0; part < parts; part++)
        {
            int count = rank / parts + (part < rank % parts ? 1 : 0);
            var (l, r) = (new FactorCodes(Style.GridOf(LeftBits), count, problem.Rows), new FactorCodes(Style.GridOf(RightBits), count, problem.Columns));
            l.RoundAll(Range(left, count, unchecked(problem.Seed + part)));
            r.RoundAll(BestRight(left, l.Values));
            TensorPrimitives.Subtract(left.Data, LinearAlgebra.TransposeMultiply(l.Values, r.Values).Data, left.Data);
            ls.Add(l);
            rs.Add(r);
        }
        return new ProductLinear(FactorCodes.ToColumns(ls), FactorCodes.ToRows(rs));
    }

    // Vectors that span most of what the columns of A do, a vector a row.
    private Matrix<double> Range(Matrix<double> a, int count, int seed)
    {
        if (!Sketched)
        {
            var top = TopRank.Factor(a, count);
            var columns = new Matrix<double>(count, a.Rows);
            for (int k = 0; k < count; k++)
                for (int i = 0; i < a.Rows; i++) columns[k, i] = top.Values[k] * top.U[i, k];
            return columns;
        }
        var sketch = LinearAlgebra.MultiplyTransposed(RandomMatrix.Gaussian(count, a.Columns, seed), a);
        Normalize(sketch);
        for (int q = 0; q < PowerIterations; q++)
        {
            sketch = LinearAlgebra.MultiplyTransposed(LinearAlgebra.Multiply(sketch, a), a);
            Normalize(sketch);
        }
        return sketch;
    }

    // A vector's length is R's to say.
    private static void Normalize(Matrix<double> vectors)
    {
        for (int k = 0; k < vectors.Rows; k++)
            if (TensorPrimitives.Norm<double>(vectors.Row(k)) is > 0 and var norm) TensorPrimitives.Divide(vectors.Row(k), norm, vectors.Row(k));
    }

    private static Matrix<double> BestRight(Matrix<double> a, Matrix<double> l)
    {
        var columns = new Matrix<double>(l.Columns, l.Rows);
        for (int i = 0; i < l.Rows; i++)
            for (int j = 0; j < l.Columns; j++) columns[j, i] = l[i, j];
        return CalderaFactors.BestRight(a, columns);
    }
}
