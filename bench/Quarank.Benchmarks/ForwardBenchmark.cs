using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Benchmarks;

/// <summary>
/// Seconds of a batch forward through all blocks beside the seconds that products alone need, in one run and by turns, for
/// the machine's speed changes from minute to minute. Medians of a few rounds.
/// </summary>
internal static class ForwardBenchmark
{
    private const int Rounds = 5;

    public static void Run(string path, int tokens)
    {
        using var checkpoint = Checkpoint.Open(path);
        var model = Model.Load(checkpoint);
        var spec = model.Spec;
        tokens = Math.Min(tokens, spec.ContextLength);
        var ids = Enumerable.Range(0, tokens).Select(i => (int)(i * 7919L % spec.VocabularySize)).ToArray();
        var start = model.Embedding.Apply(ids);
        var products = new Products(spec, tokens);
        var blocks = new List<double>();
        var linear = new List<double>();
        var attention = new List<double>();

        for (int round = -1; round < Rounds; round++)
        {
            double f = Seconds(() => Forward(model, start.Clone()));
            double l = Seconds(products.Linear), a = Seconds(products.Attention);
            if (round < 0) continue;   // the first warms up
            blocks.Add(f);
            linear.Add(l);
            attention.Add(a);
        }

        double forward = Median(blocks), sgemm = Median(linear), inner = Median(attention);
        Console.WriteLine($"{spec.Architecture}, {spec.BlockCount} blocks, {tokens} tokens, {Threads.Count} threads, medians of {Rounds}");
        Console.WriteLine($"forward through all blocks      {forward,8:F3} s   {tokens / forward,8:F0} tokens/s");
        Console.WriteLine($"sgemm, linear layers' products  {sgemm,8:F3} s   {products.LinearFlops / sgemm / 1e9,8:F0} GFLOP/s");
        Console.WriteLine($"sgemm, attention's products     {inner,8:F3} s   {products.AttentionFlops / inner / 1e9,8:F0} GFLOP/s (causal halves, pieces of {Products.Chunk})");
        Console.WriteLine($"sgemm alone / forward           {sgemm / forward,8:P0}     linear layers only");
        Console.WriteLine($"sgemm alone / forward           {(sgemm + inner) / forward,8:P0}     with attention's products");
    }

    private static void Forward(Model model, Matrix<float> hidden)
    {
        foreach (var block in model.Blocks) block.Forward(hidden);
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>The matrix products of a forward pass and nothing else.</summary>
    private sealed class Products
    {
        public const int Chunk = 128;

        private readonly ModelSpec _spec;
        private readonly int _tokens;
        private readonly List<(Matrix<float> X, Matrix<float> W, Matrix<float> Y)> _linear = [];
        private readonly float[] _queries, _keys, _values;
        private readonly float[][] _scores, _outputs;

        public Products(ModelSpec spec, int tokens)
        {
            (_spec, _tokens) = (spec, tokens);
            foreach (var p in spec.Projections(0))
            {
                _linear.Add((Random(tokens, p.Columns), Random(p.Rows, p.Columns), new Matrix<float>(tokens, p.Rows)));
                LinearFlops += 2.0 * tokens * p.Rows * p.Columns * spec.BlockCount;
            }
            _queries = Random(tokens * spec.HeadsPerGroup, spec.HeadSize).Data.ToArray();
            _keys = Random(tokens, spec.HeadSize).Data.ToArray();
            _values = Random(tokens, spec.HeadSize).Data.ToArray();
            int pieces = Pieces;
            _scores = [.. Enumerable.Range(0, pieces).Select(_ => new float[Chunk * spec.HeadsPerGroup * tokens])];
            _outputs = [.. Enumerable.Range(0, pieces).Select(_ => new float[Chunk * spec.HeadsPerGroup * spec.HeadSize])];
            AttentionFlops = 2.0 * 2 * spec.HeadCount * spec.HeadSize * (0.5 * tokens * (tokens + 1)) * spec.BlockCount;
        }

        public double LinearFlops { get; }
        public double AttentionFlops { get; }
        private int Pieces => (_tokens + Chunk - 1) / Chunk;

        public void Linear()
        {
            for (int block = 0; block < _spec.BlockCount; block++)
                foreach (var (x, w, y) in _linear) LinearAlgebra.MultiplyTransposed(x, w, y);
        }

        public void Attention()
        {
            for (int i = 0; i < _spec.BlockCount * _spec.KeyValueHeadCount; i++) Threads.For(Pieces, Piece);
        }

        private void Piece(int piece)
        {
            int size = _spec.HeadSize, chunk = Pieces - 1 - piece, first = chunk * Chunk, count = Math.Min(Chunk, _tokens - first);
            int rows = count * _spec.HeadsPerGroup, keys = first + count;
            LinearAlgebra.Gemm(false, true, rows, keys, size, 1, _queries.AsSpan(first * _spec.HeadsPerGroup * size), size, _keys, size, 0, _scores[chunk], _tokens);
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
}
