using System.Numerics;
using System.Numerics.Tensors;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>
/// Causal soft-max attention with grouped queries, windows and capped scores: O = P V, P = softmax(mask(cap(scale · Q Kᵀ))). A piece of work
/// is one sequence and one key head with its query heads, chunk by chunk of queries; the weights P of a chunk are made anew in the
/// backward pass, so that memory grows with tokens, not with their square.
/// </summary>
internal sealed class AttentionCore<T>(ModelSpec spec, int? window) where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Chunk = 64;

    private readonly T _scale = T.CreateChecked(spec.AttentionScale ?? 1 / Math.Sqrt(spec.HeadSize));
    private readonly Room<T> _attended = new();
    private (Matrix<T> Weights, Matrix<T> Gradients, Matrix<T> Bounded)[] _scratch = [];
    private Matrix<T> _q = new(0, 0), _k = new(0, 0), _v = new(0, 0);
    private int _length;

    /// <param name="q">tokens × QuerySize, rotated; like k and v it must stay as it is until <see cref="Backward"/>.</param>
    /// <param name="sequences">How many sequences of one length the tokens are.</param>
    /// <returns>tokens × QuerySize.</returns>
    public Matrix<T> Forward(Matrix<T> q, Matrix<T> k, Matrix<T> v, int sequences)
    {
        (_q, _k, _v, _length) = (q, k, v, q.Rows / sequences);
        Prepare(sequences);
        var attended = _attended.Fit(q.Rows, q.Columns);
        Pieces((piece, c) =>
        {
            var weights = Weights(piece, c);
            LinearAlgebra.Product(weights, false, Values(c), false, Queries(attended, c));
        });
        return attended;
    }

    /// <summary>∂V = Pᵀ ∂O; ∂S = P (∂P − Σ ∂O O), ∂P = ∂O Vᵀ, times the slopes of cap and scale; ∂Q = ∂S K; ∂K = ∂Sᵀ Q.</summary>
    public void Backward(Matrix<T> dAttended, Matrix<T> dq, Matrix<T> dk, Matrix<T> dv)
    {
        var attended = _attended.Fit(_q.Rows, _q.Columns);
        dk.Data.Clear();
        dv.Data.Clear();
        Pieces((piece, c) =>
        {
            var weights = Weights(piece, c);
            MatrixSlice<T> gradients = new(_scratch[piece].Gradients, 0, c.Count, 0, c.Keys), given = Queries(dAttended, c), own = Queries(attended, c);
            LinearAlgebra.Product(weights, true, given, false, Keys(dv, c), add: true);
            LinearAlgebra.Product(given, false, Values(c), true, gradients);
            for (int r = 0; r < c.Count; r++)
            {
                var row = gradients.Row(r);
                TensorPrimitives.Subtract(row, TensorPrimitives.Dot<T>(given.Row(r), own.Row(r)), row);
                TensorPrimitives.Multiply(row, weights.Row(r), row);
                if (spec.AttentionCap is not null)
                {
                    var bounded = _scratch[piece].Bounded.Row(r)[..c.Keys];
                    for (int j = 0; j < row.Length; j++) row[j] *= T.One - bounded[j] * bounded[j];
                }
                TensorPrimitives.Multiply(row, _scale, row);
            }
            LinearAlgebra.Product(gradients, false, Keys(_k, c), false, Queries(dq, c));
            LinearAlgebra.Product(gradients, true, Queries(_q, c), false, Keys(dk, c), add: true);
        });
    }

    /// <summary>Queries First … First + Count − 1 of a head against keys From … From + Keys − 1, in rows from Row on.</summary>
    private readonly record struct Call(int Row, int Head, int First, int Count, int From, int Keys);

    private void Pieces(Action<int, Call> run) => Threads.For(_scratch.Length, piece =>
    {
        int group = spec.HeadsPerGroup, sequence = piece / spec.KeyValueHeadCount, head = piece % spec.KeyValueHeadCount;
        for (int h = head * group; h < (head + 1) * group; h++)
            for (int first = 0; first < _length; first += Chunk)
            {
                int count = Math.Min(Chunk, _length - first), from = Math.Max(0, first + 1 - (window ?? int.MaxValue));
                run(piece, new(sequence * _length, h, first, count, from, first + count - from));
            }
    });

    private MatrixSlice<T> Queries(Matrix<T> x, Call c) => new(x, c.Row + c.First, c.Count, c.Head * spec.HeadSize, spec.HeadSize);

    private MatrixSlice<T> Keys(Matrix<T> x, Call c) => new(x, c.Row + c.From, c.Keys, c.Head / spec.HeadsPerGroup * spec.HeadSize, spec.HeadSize);

    private MatrixSlice<T> Values(Call c) => Keys(_v, c);

    private void Prepare(int sequences)
    {
        int pieces = sequences * spec.KeyValueHeadCount, height = Math.Min(Chunk, _length);
        if (_scratch.Length == pieces && _scratch[0].Weights.Rows == height && _scratch[0].Weights.Columns == _length) return;
        _scratch = new (Matrix<T>, Matrix<T>, Matrix<T>)[pieces];
        for (int i = 0; i < pieces; i++)
            _scratch[i] = (new(height, _length), new(height, _length), spec.AttentionCap is null ? new(0, 0) : new(height, _length));
    }

    /// <summary>P of a call, with zeros where a query does not look.</summary>
    private MatrixSlice<T> Weights(int piece, Call c)
    {
        var weights = new MatrixSlice<T>(_scratch[piece].Weights, 0, c.Count, 0, c.Keys);
        LinearAlgebra.Product(Queries(_q, c), false, Keys(_k, c), true, weights);
        for (int r = 0; r < c.Count; r++)
        {
            int end = c.First + r + 1 - c.From, begin = Math.Max(0, end - (window ?? int.MaxValue));
            var row = weights.Row(r);
            row[..begin].Clear();
            row[end..].Clear();
            var seen = row[begin..end];
            TensorPrimitives.Multiply(seen, _scale, seen);
            if (spec.AttentionCap is { } cap)
            {
                TensorPrimitives.Divide(seen, T.CreateChecked(cap), seen);
                TensorPrimitives.Tanh<T>(seen, seen);
                seen.CopyTo(_scratch[piece].Bounded.Row(r)[begin..end]);
                TensorPrimitives.Multiply(seen, T.CreateChecked(cap), seen);
            }
            TensorPrimitives.Subtract(seen, TensorPrimitives.Max<T>(seen), seen);
            TensorPrimitives.Exp<T>(seen, seen);
            TensorPrimitives.Divide(seen, TensorPrimitives.Sum<T>(seen), seen);
        }
        return weights;
    }
}
