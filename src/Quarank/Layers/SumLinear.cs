using System.Buffers;
using System.Globalization;
using System.Numerics.Tensors;
using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Layers;

/// <summary>W = W₀ + W₁ + …: terms of one shape, each in a form of its own, under <c>term0</c>, <c>term1</c>, …</summary>
public sealed record SumFormat(IReadOnlyList<LinearFormat> Terms) : LinearFormat
{
    internal static string NameOf(int term) => string.Create(CultureInfo.InvariantCulture, $"term{term}");

    public override Linear Load(StoredTensors tensors, int rows, int columns)
    {
        if (Terms is null or { Count: 0 }) throw new InvalidDataException("config.json describes a sum without terms.");
        return new SumLinear([.. Terms.Select((t, i) => t.Load(tensors.Under(NameOf(i)), rows, columns))]);
    }

    public override string? WithoutKernel(int rows, int columns) =>
        Terms.Select(t => t.WithoutKernel(rows, columns)).FirstOrDefault(part => part is not null);

    public bool Equals(SumFormat? other) => other is not null && Terms.SequenceEqual(other.Terms);

    public override int GetHashCode() => Terms.Aggregate(Terms.Count, HashCode.Combine);
}

/// <summary>A sum of layers: what a correcting method returns, a coarse grid and low-rank factors, say.</summary>
public sealed class SumLinear : NestedLinear
{
    private readonly Linear[] _terms;

    /// <exception cref="ArgumentException">There is no term, or their shapes differ.</exception>
    public SumLinear(IReadOnlyList<Linear> terms) : base(terms.Count > 0 ? terms[0].Rows : 0, terms.Count > 0 ? terms[0].Columns : 0)
    {
        if (terms.Count == 0) throw new ArgumentException("A sum has at least one term.", nameof(terms));
        foreach (var term in terms)
            if (term.Rows != Rows || term.Columns != Columns)
                throw new ArgumentException($"Terms of {Rows}x{Columns} and {term.Rows}x{term.Columns} have no sum.", nameof(terms));
        _terms = [.. terms];
        Format = new([.. _terms.Select(t => t.Format)]);
    }

    public override SumFormat Format { get; }

    internal IReadOnlyList<Linear> Terms => _terms;

    public override bool RoundsInput => _terms.Any(t => t.RoundsInput);
    public override long Bits => _terms.Sum(t => t.Bits);

    public override void Save(StoredTensors tensors)
    {
        for (int i = 0; i < _terms.Length; i++) _terms[i].Save(tensors.Under(SumFormat.NameOf(i)));
    }

    public override void DecodeRows(int first, int count, Span<float> rows)
    {
        _terms[0].DecodeRows(first, count, rows);
        float[] rented = ArrayPool<float>.Shared.Rent(rows.Length);
        var next = rented.AsSpan(0, rows.Length);
        foreach (var term in _terms.AsSpan(1))
        {
            term.DecodeRows(first, count, next);
            TensorPrimitives.Add(rows, next, rows);
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    // Whole terms decode faster than their rows by pieces: a product's rows need all of its right factor each time.
    public override Matrix<float> ToDense()
    {
        var sum = _terms[0].ToDense();
        foreach (var term in _terms.AsSpan(1)) TensorPrimitives.Add(sum.Data, term.ToDense().Data, sum.Data);
        return sum;
    }

    private protected override void Run(ReadOnlySpan<float> x, Span<float> y, InputNumbers numbers)
    {
        _terms[0].Apply(x, y, numbers);
        float[] rented = ArrayPool<float>.Shared.Rent(Rows);
        var next = rented.AsSpan(0, Rows);
        foreach (var term in _terms.AsSpan(1))
        {
            term.Apply(x, next, numbers);
            TensorPrimitives.Add(y, next, y);
        }
        ArrayPool<float>.Shared.Return(rented);
    }

    private protected override void Run(Matrix<float> x, Matrix<float> y, InputNumbers numbers)
    {
        _terms[0].Apply(x, y, numbers);
        if (_terms.Length == 1) return;
        var next = new Matrix<float>(x.Rows, Rows);
        foreach (var term in _terms.AsSpan(1))
        {
            term.Apply(x, next, numbers);
            TensorPrimitives.Add(y.Data, next.Data, y.Data);
        }
    }
}
