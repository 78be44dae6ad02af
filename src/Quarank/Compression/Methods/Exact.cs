using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Compression.Methods;

/// <summary>
/// Another method, with a few directions or columns of the input kept exact (in float16) beside what it makes: massive activations lie in
/// few of them, and a method that need not care for those serves the others better.
/// </summary>
/// <remarks>
/// Directions: U, the top eigenvectors of the plain Gram matrix H. The inner method sees (I − UᵀU) H (I − UᵀU), and (W − Ŵ) Uᵀ U is stored
/// as a product beside its Ŵ, so that the error along U is that of float16; the loss of the whole is the inner method's loss on its
/// projected H. Columns: those of the largest diagonal of H. The inner method sees them as dead, and what it leaves of them is stored.
/// </remarks>
/// <param name="Inner">What compresses the rest; its budget, if it has one, is lowered by the price of what is exact.</param>
/// <param name="Directions">16 (rows + columns) bits each.</param>
/// <param name="Columns">16 rows + 32 bits each.</param>
public sealed record Exact(Method Inner, int Directions = 0, int Columns = 0) : Method
{
    [JsonIgnore] public override Needs Needs => Needs.Gram;

    [JsonIgnore] public override TokenWeights PreferredWeights => Inner.PreferredWeights;

    [JsonIgnore] public override double? BudgetBitsPerWeight => Inner.BudgetBitsPerWeight;

    public override void Validate()
    {
        if (Directions < 0 || Columns < 0 || Directions + Columns == 0)
            throw new ArgumentException($"Some directions or columns are kept exact, not {Directions} and {Columns}.");
        if (Inner.Rounding is not null) throw new ArgumentException("Rounded inputs go around what is kept exact, not inside.");
        if (Inner is Exact) throw new ArgumentException("Directions and columns are kept exact by one method, not by two around each other.");
        Inner.Validate();
    }

    public override Method Fit(IReadOnlyList<LayerShape> layers)
    {
        foreach (var l in layers)
            if (Directions + Columns >= Math.Min(l.Rows, l.Columns))
                throw new ArgumentException($"{l.Name} of {l.Rows}x{l.Columns} cannot keep {Directions} directions and {Columns} columns exact.");
        if (Inner.BudgetBitsPerWeight is not { } budget) return this with { Inner = Inner.Fit(layers) };
        var inner = Lowered(budget, layers) ?? throw new ArgumentException(FormattableString.Invariant(
            $"Of {budget} bits per weight, {Price(layers):0.###} go to what is kept exact, and the rest is too little or too much for the method."));
        return inner with { Inner = inner.Inner.Fit(layers) };
    }

    /// <summary>A budget stands as it was asked for, since <see cref="Fit"/> takes the price off it.</summary>
    public override Method? AtBitsPerWeight(double bitsPerWeight, IReadOnlyList<LayerShape> layers) => Lowered(bitsPerWeight, layers) switch
    {
        { } lowered when Inner.BudgetBitsPerWeight is null => lowered,
        { } when Inner.AtBitsPerWeight(bitsPerWeight, layers) is { } inner => this with { Inner = inner },
        _ => null,
    };

    private Exact? Lowered(double bitsPerWeight, IReadOnlyList<LayerShape> layers) =>
        bitsPerWeight - Price(layers) is > 0 and var rest && Inner.AtBitsPerWeight(rest, layers) is { } inner ? this with { Inner = inner } : null;

    public override long PlannedBits(LayerShape layer) => Inner.PlannedBits(layer) + Price(layer);

    private long Price(LayerShape layer) => 16L * Directions * (layer.Rows + layer.Columns) + Columns * (16L * layer.Rows + 32);

    private double Price(IReadOnlyList<LayerShape> layers) =>
        layers.Sum(l => (double)Price(l)) / layers.Sum(l => (double)l.Rows * l.Columns);

    public override Linear Compress(LayerProblem problem)
    {
        Validate();
        var plain = (problem.Inputs.Plain ?? problem.Inputs.Gram).Clone();
        int[] columns = LargestInputs(plain, Columns);
        Clear(plain, columns);
        var u = SymmetricEigen.Top(plain, Directions).Vectors;
        foreach (int j in columns)
            for (int k = 0; k < Directions; k++) u[k, j] = 0;

        var rest = problem with { Weight = Without(problem.Weight, columns), Inputs = Without(problem.Inputs, columns, u) };
        var inner = Inner.Compress(rest);
        var terms = new List<Linear> { inner };
        var left = Difference(problem.Weight, inner.ToDense());
        if (Directions > 0) terms.Add(Along(left, u));
        if (Columns > 0) terms.Add(Selected(left, columns));
        return new SumLinear(terms);
    }

    private static int[] LargestInputs(Matrix<double> h, int count) =>
        [.. Enumerable.Range(0, h.Rows).OrderByDescending(j => h[j, j]).Take(count).Order()];

    private static void Clear(Matrix<double> h, int[] columns)
    {
        foreach (int j in columns)
            for (int i = 0; i < h.Rows; i++) h[i, j] = h[j, i] = 0;
    }

    private static Matrix<float> Without(Matrix<float> weight, int[] columns)
    {
        if (columns.Length == 0) return weight;
        var w = weight.Clone();
        for (int i = 0; i < w.Rows; i++)
            foreach (int j in columns) w[i, j] = 0;
        return w;
    }

    private static InputStatistics Without(InputStatistics inputs, int[] columns, Matrix<double> u)
    {
        Matrix<double> Rest(Matrix<double> h)
        {
            h = h.Clone();
            Clear(h, columns);
            Project(h, u);
            return h;
        }
        return inputs with { Gram = Rest(inputs.Gram), Plain = inputs.Plain is null ? null : Rest(inputs.Plain) };
    }

    // H ← (I − UᵀU) H (I − UᵀU) = H − UᵀB − BᵀU with B = U H − ½ (U H Uᵀ) U.
    private static void Project(Matrix<double> h, Matrix<double> u)
    {
        if (u.Rows == 0) return;
        var b = LinearAlgebra.Multiply(u, h);
        var half = LinearAlgebra.Multiply(LinearAlgebra.MultiplyTransposed(b, u), u);
        TensorPrimitives.MultiplyAdd(half.Data, -0.5, b.Data, b.Data);
        Threads.For(h.Rows, i =>
        {
            for (int k = 0; k < u.Rows; k++)
            {
                TensorPrimitives.MultiplyAdd(b.Row(k), -u[k, i], h.Row(i), h.Row(i));
                TensorPrimitives.MultiplyAdd(u.Row(k), -b[k, i], h.Row(i), h.Row(i));
            }
            h[i, i] = Math.Max(0, h[i, i]);
        });
        LinearAlgebra.Symmetrize(h);
    }

    private static Matrix<double> Difference(Matrix<float> a, Matrix<float> b)
    {
        var d = new Matrix<double>(a.Rows, a.Columns);
        for (int i = 0; i < d.Data.Length; i++) d.Data[i] = (double)a.Data[i] - b.Data[i];
        return d;
    }

    private static ProductLinear Along(Matrix<double> error, Matrix<double> u) =>
        new(Halves(LinearAlgebra.MultiplyTransposed(error, u)), Halves(u));

    private static SelectionLinear Selected(Matrix<double> error, int[] columns)
    {
        var picked = new Matrix<double>(error.Rows, columns.Length);
        for (int i = 0; i < error.Rows; i++)
            for (int k = 0; k < columns.Length; k++) picked[i, k] = error[i, columns[k]];
        return new(columns, Halves(picked), error.Columns);
    }

    private static DenseLinear Halves(Matrix<double> m)
    {
        var halves = new ushort[m.Data.Length];
        for (int i = 0; i < halves.Length; i++) halves[i] = BitConverter.HalfToUInt16Bits((Half)m.Data[i]);
        return DenseLinear.OfHalves(m.Rows, m.Columns, halves);
    }
}
