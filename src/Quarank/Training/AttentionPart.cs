using System.Numerics;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Training;

/// <summary>The attention half: projections, separate or fused; norms of queries and keys; rotation; attention; the output projection.</summary>
/// <param name="inputs">q, k and v, or one that holds all three.</param>
internal sealed class AttentionPart<T>(ModelSpec spec, AttentionTraits traits, LinearPart<T>[] inputs, LinearPart<T> output)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly AttentionCore<T> _core = new(spec, traits.Window);
    private readonly NormPart<T>? _queryNorm = NormPart<T>.Of(traits.QueryNorm, "query norm"), _keyNorm = NormPart<T>.Of(traits.KeyNorm, "key norm");
    private readonly Columns<T> _split = new(spec.QuerySize, spec.KeyValueSize, spec.KeyValueSize);
    private readonly Room<T> _turnedQuery = new(), _turnedKey = new(), _dAttended = new(), _dTurnedQuery = new(), _dTurnedKey = new(),
        _dQuery = new(), _dKey = new(), _dValue = new(), _gradient = new();
    private RotaryPart<T>? _rotary;
    private int _length;

    public IEnumerable<Parameter<T>> Parameters => new[] { _queryNorm, _keyNorm }.OfType<NormPart<T>>().SelectMany(n => n.Parameters);

    /// <param name="x">tokens × HiddenSize, sequences of one length one after the other.</param>
    public Matrix<T> Forward(Matrix<T> x, int sequences)
    {
        if (_length != x.Rows / sequences)
        {
            _length = x.Rows / sequences;
            _rotary = RotaryPart<T>.Of(spec, traits.Window is not null, _length);
        }
        var read = inputs is [var all] ? _split.Apart(all.Forward(x)) : [.. inputs.Select(i => i.Forward(x))];
        var q = Place(read[0], _queryNorm, _turnedQuery);
        var k = Place(read[1], _keyNorm, _turnedKey);
        return output.Forward(_core.Forward(q, k, read[2], sequences));
    }

    public Matrix<T> Backward(Matrix<T> dy)
    {
        int tokens = dy.Rows;
        var dAttended = _dAttended.Fit(tokens, spec.QuerySize);
        output.Backward(dy, dAttended);
        Matrix<T> dq = _dTurnedQuery.Fit(tokens, spec.QuerySize), dk = _dTurnedKey.Fit(tokens, spec.KeyValueSize), dv = _dValue.Fit(tokens, spec.KeyValueSize);
        _core.Backward(dAttended, dq, dk, dv);
        Matrix<T>[] read = [PlaceBack(dq, _queryNorm, _dQuery), PlaceBack(dk, _keyNorm, _dKey), dv];

        var dx = _gradient.Fit(tokens, spec.HiddenSize);
        if (inputs is [var all]) all.Backward(_split.Together(read), dx);
        else for (int i = 0; i < 3; i++) inputs[i].Backward(read[i], dx, add: i > 0);
        return dx;
    }

    private Matrix<T> Place(Matrix<T> x, NormPart<T>? norm, Room<T> room)
    {
        if (norm is not null) x = norm.Forward(Heads(x)).Reshape(x.Rows, x.Columns);
        if (_rotary is null) return x;
        var turned = room.Fit(x.Rows, x.Columns);
        _rotary.Turn(x, turned, back: false);
        return turned;
    }

    private Matrix<T> PlaceBack(Matrix<T> d, NormPart<T>? norm, Room<T> room)
    {
        if (_rotary is not null)
        {
            var turned = room.Fit(d.Rows, d.Columns);
            _rotary.Turn(d, turned, back: true);
            d = turned;
        }
        return norm is null ? d : norm.Backward(Heads(d)).Reshape(d.Rows, d.Columns);
    }

    // A head's vector is a row of its own to a norm.
    private Matrix<T> Heads(Matrix<T> x) => x.Reshape(x.Rows * x.Columns / spec.HeadSize, spec.HeadSize);
}
