using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>
/// What the blocks of a model share while one sequence runs through them: intermediate matrices, kept from call to call,
/// and the rotary tables. One sequence at a time; blocks that run at the same time need buffers of their own.
/// </summary>
public sealed class ForwardBuffers
{
    private readonly ModelSpec _spec;
    private Matrix<float>? _work;

    /// <param name="settings">In which numbers to run; null is exact.</param>
    public ForwardBuffers(ModelSpec spec, InferenceSettings? settings = null)
    {
        (_spec, Settings) = (spec, settings ?? new());
        Attention = new Attention(spec);
        Cache = new KeyValueCache(spec, Settings.Cache);
        Fit(1);
    }

    /// <summary>In which numbers the blocks run.</summary>
    public InferenceSettings Settings { get; }

    /// <summary>How the linear layers take what they read.</summary>
    internal InputNumbers Inputs => Settings.Inputs;

    internal Attention Attention { get; }

    /// <summary>Keys and values of a sequence that nobody goes on with.</summary>
    internal KeyValueCache Cache { get; }

    /// <summary>The sequences that the rows belong to; null: they are one sequence.</summary>
    internal IReadOnlyList<SequencePart>? Parts { get; set; }

    internal Matrix<float> Normed { get; private set; } = null!;

    /// <summary>Queries; keys and values too, where one matrix makes all three.</summary>
    internal Matrix<float> Query { get; private set; } = null!;
    internal Matrix<float> Key { get; private set; } = null!;
    internal Matrix<float> Value { get; private set; } = null!;
    internal Matrix<float> Attended { get; private set; } = null!;
    internal Matrix<float> Projected { get; private set; } = null!;
    internal Matrix<float> Gate { get; private set; } = null!;

    /// <summary>Up; gate and up, where one matrix makes both.</summary>
    internal Matrix<float> Up { get; private set; } = null!;

    /// <summary>What one of several experts gives; without rows where there are none.</summary>
    internal Matrix<float> Expert { get; private set; } = null!;

    /// <summary>A copy of <paramref name="hidden"/> to work on.</summary>
    internal Matrix<float> Copy(Matrix<float> hidden)
    {
        if (_work?.Rows != hidden.Rows) _work = new Matrix<float>(hidden.Rows, hidden.Columns);
        hidden.Data.CopyTo(_work.Data);
        return _work;
    }

    /// <summary>Forgets the copy.</summary>
    internal void LetGo() => _work = null;

    /// <summary>Makes all matrices <paramref name="tokens"/> rows high.</summary>
    internal void Fit(int tokens)
    {
        if (Normed?.Rows == tokens) return;
        bool fused = _spec.FusedProjections;
        int apart = fused ? 0 : _spec.KeyValueSize;
        Normed = new Matrix<float>(tokens, _spec.HiddenSize);
        Query = new Matrix<float>(tokens, _spec.QuerySize + 2 * (_spec.KeyValueSize - apart));
        Key = new Matrix<float>(tokens, apart);
        Value = new Matrix<float>(tokens, apart);
        Attended = new Matrix<float>(tokens, _spec.QuerySize);
        Projected = new Matrix<float>(tokens, _spec.HiddenSize);
        Gate = new Matrix<float>(tokens, _spec.IntermediateSize);
        Up = new Matrix<float>(tokens, UpWidth(_spec));
        Expert = new Matrix<float>(_spec.ExpertCount > 0 ? tokens : 0, _spec.HiddenSize);
    }

    internal static int UpWidth(ModelSpec spec) => !spec.GatedMlp ? 0 : spec.FusedProjections ? 2 * spec.IntermediateSize : spec.IntermediateSize;
}
