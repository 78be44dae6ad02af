using Quarank.Models;

namespace Quarank.Evaluation.Tasks.Scoring;

/// <summary>Scores sequences, many at once. The batches depend on the sequences and their order alone.</summary>
internal sealed class SequenceScorer(Model model)
{
    /// <summary>Rows from which on a batch is run: enough for the products, little enough for the memory.</summary>
    private const int BatchRows = 1024;

    private readonly PrefixBatch _batch = new();
    private readonly TokenScores _scores = new(model);
    private readonly List<(int Scored, Action<Score> Found)> _waiting = [];
    private bool _isLong;

    /// <summary>Takes a sequence; its score is told when its batch has run.</summary>
    public void Add(ScoredSequence sequence, Action<Score> found)
    {
        // A model that turns long texts otherwise than short ones shares nothing between the two.
        bool isLong = sequence.Inputs.Length > model.Spec.RotarySwitch;
        if (isLong != _isLong) Run();
        _isLong = isLong;
        _batch.Add(sequence);
        _waiting.Add((sequence.Scored, found));
    }

    /// <summary>Runs the batch when it is large enough. Between two questions, so that the answers of one stay together.</summary>
    public void RunIfFull()
    {
        if (_batch.Rows >= BatchRows) Run();
    }

    /// <summary>Runs what waits.</summary>
    public void Run()
    {
        if (_waiting.Count == 0) return;
        var states = model.Forward(_batch.Ids, _batch.Parts);
        var tokens = _scores.Of(states, [.. _batch.ScoredRows], [.. _batch.Targets]);
        int next = 0;
        foreach (var (scored, found) in _waiting)
        {
            var score = new Score(0, true);
            for (int i = 0; i < scored; i++, next++) score += new Score(-(double)tokens[next].Loss, tokens[next].IsLikeliest);
            found(score);
        }
        _waiting.Clear();
        _batch.Clear();
    }
}
