using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>The matrix products of a forward pass and nothing else.</summary>
internal sealed class ForwardProducts
{
    /// <summary>Attention's queries are cut in pieces of so many tokens, each with the keys up to its end.</summary>
    private const int Chunk = 128;

    private readonly ModelSpec _spec;
    private readonly int _tokens;
    private readonly Dictionary<(int Rows, int Columns), (Matrix<float> X, Matrix<float> W, Matrix<float> Y)> _linear = [];
    private readonly float[] _queries, _keys, _values;
    private readonly float[][] _scores, _outputs;

    public ForwardProducts(ModelSpec spec, int tokens)
    {
        (_spec, _tokens) = (spec, tokens);
        foreach (var p in spec.Projections(0))
        {
            _linear[(p.Rows, p.Columns)] = (Random(tokens, p.Columns), Random(p.Rows, p.Columns), new Matrix<float>(tokens, p.Rows));
            LinearFlops += 2.0 * tokens * p.Rows * p.Columns * spec.BlockCount;
        }
        _queries = Random(tokens * spec.HeadsPerGroup, spec.HeadSize).Data.ToArray();
        _keys = Random(tokens, spec.HeadSize).Data.ToArray();
        _values = Random(tokens, spec.HeadSize).Data.ToArray();
        _scores = [.. Enumerable.Range(0, Pieces).Select(_ => new float[Chunk * spec.HeadsPerGroup * tokens])];
        _outputs = [.. Enumerable.Range(0, Pieces).Select(_ => new float[Chunk * spec.HeadsPerGroup * spec.HeadSize])];
        AttentionFlops = 2.0 * 2 * spec.HeadCount * spec.HeadSize * (0.5 * tokens * (tokens + 1)) * spec.BlockCount;
    }

    public double LinearFlops { get; }

    /// <summary>Of the scores and values that a causal model needs; the pieces compute a few more.</summary>
    public double AttentionFlops { get; }

    private int Pieces => (_tokens + Chunk - 1) / Chunk;

    /// <summary>The products of all linear layers, by sgemm.</summary>
    public void Linear()
    {
        for (int block = 0; block < _spec.BlockCount; block++)
        {
            foreach (var p in _spec.Projections(block))
            {
                var (x, w, y) = _linear[(p.Rows, p.Columns)];
                LinearAlgebra.MultiplyTransposed(x, w, y);
            }
        }
    }

    /// <summary>One linear layer as it is stored.</summary>
    public void Apply(Projection projection)
    {
        var (x, _, y) = _linear[(projection.Spec.Rows, projection.Spec.Columns)];
        projection.Apply(x, y);
    }

    /// <summary>The scores and values of all heads, by sgemm.</summary>
    public void Attention()
    {
        for (int i = 0; i < _spec.BlockCount * _spec.KeyValueHeadCount; i++) Threads.For(Pieces, AttentionPiece);
    }

    private void AttentionPiece(int piece)
    {
        int size = _spec.HeadSize, group = _spec.HeadsPerGroup, chunk = Pieces - 1 - piece, first = chunk * Chunk;
        int rows = Math.Min(Chunk, _tokens - first) * group, keys = Math.Min(first + Chunk, _tokens);
        LinearAlgebra.Gemm(false, true, rows, keys, size, 1, _queries.AsSpan(first * group * size), size, _keys, size, 0, _scores[chunk], _tokens);
        LinearAlgebra.Gemm(false, false, rows, size, keys, 1, _scores[chunk], _tokens, _values, size, 0, _outputs[chunk], size);
    }

    private static Matrix<float> Random(int rows, int columns)
    {
        var random = new Random(1);
        var m = new Matrix<float>(rows, columns);
        foreach (ref float v in m.Data) v = random.NextSingle() - 0.5f;
        return m;
    }
}
