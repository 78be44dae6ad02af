using Quarank.Models;

namespace Quarank.Evaluation.Tasks.Scoring;

/// <summary>
/// Sequences laid out for <see cref="Model.Forward(ReadOnlySpan{int}, IReadOnlyList{SequencePart})"/>: of each only what it does not share with
/// the beginning of the one before it is read, so answers follow their question, and questions common examples.
/// </summary>
internal sealed class PrefixBatch
{
    private readonly List<int> _ids = [], _held = [], _heldRows = [], _scoredRows = [], _targets = [];
    private readonly List<SequencePart> _parts = [];

    /// <summary>Tokens to read.</summary>
    public int Rows => _ids.Count;

    public ReadOnlySpan<int> Ids => _ids.ToArray();

    public IReadOnlyList<SequencePart> Parts => _parts;

    /// <summary>The row after which each scored token comes, sequence by sequence.</summary>
    public IReadOnlyList<int> ScoredRows => _scoredRows;

    /// <summary>The scored tokens.</summary>
    public IReadOnlyList<int> Targets => _targets;

    public void Add(ScoredSequence sequence)
    {
        var inputs = sequence.Inputs;
        int shared = 0;
        while (shared < Math.Min(_held.Count, inputs.Length) && _held[shared] == inputs[shared]) shared++;
        if (shared < inputs.Length)
        {
            _held.RemoveRange(shared, _held.Count - shared);
            _heldRows.RemoveRange(shared, _heldRows.Count - shared);
            _parts.Add(new(shared, inputs.Length - shared));
            foreach (int id in inputs[shared..])
            {
                _held.Add(id);
                _heldRows.Add(_ids.Count);
                _ids.Add(id);
            }
        }
        for (int i = inputs.Length - sequence.Scored; i < inputs.Length; i++) _scoredRows.Add(_heldRows[i]);
        _targets.AddRange(sequence.Targets);
    }

    public void Clear()
    {
        foreach (var list in new[] { _ids, _held, _heldRows, _scoredRows, _targets }) list.Clear();
        _parts.Clear();
    }
}
