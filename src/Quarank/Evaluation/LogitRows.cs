using Quarank.Numerics;

namespace Quarank.Evaluation;

/// <summary>Logits for a few tokens at a time, in room that is used again.</summary>
internal sealed class LogitRows(Predictor predictor)
{
    /// <summary>At most so many at a time.</summary>
    public const int Chunk = 128;

    private Matrix<float>? _states, _logits;

    /// <summary>Of the tokens <paramref name="first"/> … of a segment: count × vocabulary, until the next call.</summary>
    public Matrix<float> Of(Matrix<float> states, int first, int count)
    {
        if (_states?.Rows != count)
        {
            _states = new Matrix<float>(count, states.Columns);
            _logits = new Matrix<float>(count, predictor.Head.Table.Rows);
        }
        states.RowRange(first, count).CopyTo(_states.Data);
        predictor.Head.Logits(_states, _logits!, predictor.Settings.Inputs);
        return _logits!;
    }

    /// <summary>The error where logits are not numbers.</summary>
    public static InvalidDataException NotFinite() =>
        new("The model's logits are not finite numbers: its weights are damaged or overflow.");
}
