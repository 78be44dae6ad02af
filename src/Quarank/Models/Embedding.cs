using System.Buffers;
using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>Token ids to hidden states: row id of a vocabulary × width matrix, kept in the type the checkpoint has.</summary>
/// <param name="table">vocabulary × width; a tied head multiplies by it.</param>
/// <param name="scale">Factor of its rows.</param>
/// <param name="projection">From the table's width to the hidden size; null where they are the same.</param>
/// <param name="positions">A vector for each position, added at the end; null where there is no such table.</param>
/// <param name="positionOffset">The row of <paramref name="positions"/> that belongs to position 0.</param>
public sealed class Embedding(Linear table, float scale = 1, Linear? projection = null, Linear? positions = null, int positionOffset = 0)
{
    /// <summary>vocabulary × width; a tied head multiplies by it.</summary>
    public Linear Table => table;

    private int HiddenSize => projection?.Rows ?? table.Columns;

    /// <summary>The hidden states of a sequence, tokens × hidden.</summary>
    /// <param name="start">The position of the first token.</param>
    /// <exception cref="ArgumentException">An id is not in the vocabulary.</exception>
    public Matrix<float> Apply(ReadOnlySpan<int> ids, int start = 0)
    {
        var hidden = new Matrix<float>(ids.Length, HiddenSize);
        Apply(ids, hidden, start);
        return hidden;
    }

    /// <summary>Fills <paramref name="hidden"/>, ids.Length × hidden.</summary>
    /// <inheritdoc cref="Apply(ReadOnlySpan{int}, int)"/>
    public void Apply(ReadOnlySpan<int> ids, Matrix<float> hidden, int start = 0)
    {
        Check(ids);
        for (int t = 0; t < ids.Length; t++) Embed(ids[t], start + t, hidden.Row(t));
    }

    /// <exception cref="ArgumentException">An id is not in the vocabulary.</exception>
    internal void Check(ReadOnlySpan<int> ids)
    {
        for (int t = 0; t < ids.Length; t++)
        {
            if ((uint)ids[t] >= (uint)table.Rows)
                throw new ArgumentException($"Token {ids[t]} (number {t} of {ids.Length}) is not in the model's vocabulary of {table.Rows}.", nameof(ids));
        }
    }

    private void Embed(int id, int position, Span<float> hidden)
    {
        if (projection is null)
        {
            table.DecodeRows(id, 1, hidden);
            if (scale != 1) TensorPrimitives.Multiply(hidden, scale, hidden);
        }
        else
        {
            var rented = ArrayPool<float>.Shared.Rent(table.Columns);
            var row = rented.AsSpan(0, table.Columns);
            table.DecodeRows(id, 1, row);
            TensorPrimitives.Multiply(row, scale, row);
            projection.Apply(row, hidden);
            ArrayPool<float>.Shared.Return(rented);
        }
        if (positions is not null) AddPosition(position, hidden);
    }

    private void AddPosition(int position, Span<float> hidden)
    {
        var rented = ArrayPool<float>.Shared.Rent(hidden.Length);
        var row = rented.AsSpan(0, hidden.Length);
        positions!.DecodeRows(positionOffset + position, 1, row);
        TensorPrimitives.Add(hidden, row, hidden);
        ArrayPool<float>.Shared.Return(rented);
    }
}
