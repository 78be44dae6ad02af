using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>The end of a model: a last norm, then one logit for every token of the vocabulary.</summary>
/// <param name="norm">Null where the last block's output is taken as it is.</param>
/// <param name="projection">From the hidden size to the table's width; null where they are the same.</param>
/// <param name="table">vocabulary × width.</param>
/// <param name="cap">c of c · tanh(logit / c); null leaves logits as they are.</param>
public sealed class Head(Norm? norm, Linear? projection, Linear table, float? cap)
{
    /// <summary>vocabulary × width; the embedding's own when tied.</summary>
    public Linear Table => table;

    /// <summary>What the last block gave, made ready for logits.</summary>
    /// <param name="hidden">tokens × HiddenSize; spent.</param>
    /// <param name="room">tokens × width of the table, for what is projected; null makes a new matrix then.</param>
    /// <returns>tokens × width of the table: <paramref name="hidden"/> itself where nothing is projected.</returns>
    public Matrix<float> Finish(Matrix<float> hidden, Matrix<float>? room = null)
    {
        norm?.Apply(hidden, hidden);
        if (projection is null) return hidden;
        room ??= new Matrix<float>(hidden.Rows, projection.Rows);
        if (hidden.Rows == 1) projection.Apply(hidden.Row(0), room.Row(0));
        else projection.Apply(hidden, room);
        return room;
    }

    /// <summary>Logits of one finished state.</summary>
    public void Logits(ReadOnlySpan<float> finished, Span<float> logits, InputNumbers numbers = InputNumbers.Floats)
    {
        table.Apply(finished, logits, numbers);
        if (cap is { } c) SoftCap.Apply(logits, 1, c);
    }

    /// <summary>Logits of finished states: tokens × vocabulary, so pass few tokens at a time.</summary>
    public Matrix<float> Logits(Matrix<float> finished)
    {
        var logits = new Matrix<float>(finished.Rows, table.Rows);
        Logits(finished, logits);
        return logits;
    }

    /// <summary>As <see cref="Logits(Matrix{float})"/>, into a given tokens × vocabulary.</summary>
    public void Logits(Matrix<float> finished, Matrix<float> logits, InputNumbers numbers = InputNumbers.Floats)
    {
        table.Apply(finished, logits, numbers);
        if (cap is not { } c) return;
        RowWise.For(logits.Rows, (first, count) => SoftCap.Apply(logits.RowRange(first, count), 1, c));
    }
}
