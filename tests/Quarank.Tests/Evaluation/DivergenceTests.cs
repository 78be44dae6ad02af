using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Evaluation;

public class DivergenceTests
{
    private const int Length = 150;   // longer than a piece of logits
    private readonly SomeLlama _one = SomeLlama.Build(50), _other = SomeLlama.Build(51);

    [Fact]
    public void A_model_does_not_diverge_from_itself()
    {
        var result = Measure(_one, _one, _one.Ids(300));
        Assert.Equal((0, 0, 0, 0, 0), (result.KlMean, result.KlMeanError, result.Kl99, result.LossDifference, result.LossDifferenceError));
        Assert.Equal((1, 0, 1, 0), (result.TopAgreement, result.TopAgreementError, result.TopFiveAgreement, result.TopFiveAgreementError));
        Assert.Equal(result.Dense, result.Model);
    }

    [Fact]
    public void Figures_are_those_of_a_plain_computation_in_double()
    {
        var ids = _one.Ids(310);
        var result = Measure(_one, _other, ids);
        var tokens = Enumerable.Range(0, 2).SelectMany(i => Plainly(ids[(i * Length)..((i + 1) * Length)])).ToArray();

        var differences = tokens.Select(t => t.Loss - t.DenseLoss).ToArray();
        var kl = tokens.Select(t => t.Kl).ToArray();
        Assert.Equal((2 * (Length - 1), 2), (result.Model.Tokens, result.Model.Segments));
        // Float logits of a few units: some 1e-6 each, less in the mean.
        Assert.Equal(tokens.Average(t => t.Loss), result.Model.MeanLoss, 1e-5);
        Assert.Equal(tokens.Average(t => t.DenseLoss), result.Dense.MeanLoss, 1e-5);
        Assert.Equal(differences.Average(), result.LossDifference, 1e-5);
        Assert.Equal(ErrorOfMean(differences), result.LossDifferenceError, 1e-5);
        Assert.Equal(kl.Average(), result.KlMean, 1e-5);
        Assert.Equal(ErrorOfMean(kl), result.KlMeanError, 1e-5);
        Array.Sort(kl);
        // 298 values: the place 0.99 · 297 lies between the 295th and the 296th.
        Assert.Equal(kl[294] + 0.03 * (kl[295] - kl[294]), result.Kl99, 1e-4);
        double agreed = tokens.Count(t => t.Agrees) / 298.0;
        Assert.Equal(agreed, result.TopAgreement, 1e-12);
        Assert.Equal(Math.Sqrt(agreed * (1 - agreed) / 297), result.TopAgreementError, 1e-12);
        Assert.Equal(tokens.Average(t => t.SharedTop), result.TopFiveAgreement, 1e-12);
        Assert.Equal(ErrorOfMean([.. tokens.Select(t => t.SharedTop)]), result.TopFiveAgreementError, 1e-12);
        Assert.InRange(result.TopFiveAgreement, result.TopAgreement / 5, 0.5);
        Assert.Equal((kl[148] + kl[149]) / 2, result.Spread.Median.Value, 1e-4);
        Assert.Equal(kl[^1], result.Spread.Maximum.Value, 1e-4);
        Assert.InRange(result.TopAgreement, 0.001, 0.5);
    }

    [Fact]
    public void Perplexities_are_those_that_are_measured_alone()
    {
        var ids = _one.Ids(310);
        var (beside, alone) = (Measure(_one, _other, ids), Perplexity.OfSegments(_other.Load(), ids, Length));
        Assert.Equal(alone.Protocol, beside.Model.Protocol);
        Assert.Equal(alone.Perplexity, beside.Model.Perplexity, 1e-5 * alone.Perplexity);
        Assert.Equal(alone.StandardError, beside.Model.StandardError, 1e-5 * alone.Perplexity);
    }

    [Fact]
    public void A_vocabulary_longer_than_a_piece_of_sums_is_summed_whole()
    {
        var (one, other) = (SomeLlama.Build(1, ("vocab_size", 2500)), SomeLlama.Build(2, ("vocab_size", 2500)));
        var ids = one.Ids(20);
        var result = Divergence.OfSegments(Predictor.Of(one.Load(), ids, 20), Predictor.Of(other.Load(), ids, 20), ids, 20);
        Assert.Equal(Plainly(ids, one, other).Average(t => t.Kl), result.KlMean, 1e-5);
    }

    [Fact]
    public void Segments_asked_for_are_the_first_ones()
    {
        var ids = _one.Ids(310);
        var (dense, model) = (_one.Load(), _other.Load());
        var first = Divergence.OfSegments(Predictor.Of(dense, ids, Length), Predictor.Of(model, ids, Length), ids, Length, 1);
        Assert.Equal(Measure(_one, _other, ids[..Length]), first);
    }

    [Fact]
    public void What_cannot_be_compared_is_refused()
    {
        var larger = SomeLlama.Build(3, ("vocab_size", 60));
        Assert.Contains("vocabularies differ: 50", Assert.Throws<InvalidDataException>(() => Measure(_one, larger, _one.Ids(150))).Message);
        Assert.Contains("at least 150", Assert.Throws<InvalidDataException>(() => Measure(_one, _other, _one.Ids(149))).Message);

        var tensors = new StoredTensors();
        foreach (var t in _one.Tensors.All)
            tensors.Add(t.Name, t.Name == "model.norm.weight"
                ? StoredTensor.FromValues(t.Name, Enumerable.Repeat(float.NaN, 24).ToArray(), 24) : t);
        var (ids, broken) = (_one.Ids(Length), Model.Load(tensors, _one.Config));
        Assert.Contains("not finite", Assert.Throws<InvalidDataException>(() =>
            Divergence.OfSegments(Predictor.Of(_one.Load(), ids, Length), Predictor.Of(broken, ids, Length), ids, Length)).Message);
    }

    private static DivergenceResult Measure(SomeLlama dense, SomeLlama model, int[] ids) =>
        Divergence.OfSegments(Predictor.Of(dense.Load(), ids, Length), Predictor.Of(model.Load(), ids, Length), ids, Length);

    private TokenDivergence[] Plainly(int[] ids) => Plainly(ids, _one, _other);

    private static TokenDivergence[] Plainly(int[] ids, SomeLlama dense, SomeLlama model)
    {
        double[][] a = LogProbabilities(dense, ids), b = LogProbabilities(model, ids);
        return [.. Enumerable.Range(0, ids.Length - 1).Select(t => new TokenDivergence(
            -a[t][ids[t + 1]], -b[t][ids[t + 1]], a[t].Zip(b[t], (p, q) => Math.Exp(p) * (p - q)).Sum(),
            Array.IndexOf(a[t], a[t].Max()) == Array.IndexOf(b[t], b[t].Max()), Five(a[t]).Intersect(Five(b[t])).Count() / 5.0))];
    }

    private static IEnumerable<int> Five(double[] row) => Enumerable.Range(0, row.Length).OrderByDescending(i => row[i]).Take(5);

    private static double[][] LogProbabilities(SomeLlama model, int[] ids) =>
        [.. new ReferenceDecoder(model.Config, model.Tensors).Logits(ids).Select(row =>
        {
            double log = Math.Log(row.Sum(Math.Exp));
            return row.Select(z => z - log).ToArray();
        })];

    private static double ErrorOfMean(double[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1) / values.Length);
    }
}
