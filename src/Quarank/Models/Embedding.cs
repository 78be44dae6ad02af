using Quarank.Layers;
using Quarank.Numerics;

namespace Quarank.Models;

/// <summary>Token ids to hidden states: row id of a vocabulary × hidden matrix, kept in the type the checkpoint has.</summary>
public sealed class Embedding(Linear table)
{
    /// <summary>vocabulary × hidden; a tied head multiplies by it.</summary>
    public Linear Table => table;

    /// <summary>The hidden states of a sequence, tokens × hidden.</summary>
    /// <exception cref="ArgumentException">An id is not in the vocabulary.</exception>
    public Matrix<float> Apply(ReadOnlySpan<int> ids)
    {
        var hidden = new Matrix<float>(ids.Length, table.Columns);
        Apply(ids, hidden);
        return hidden;
    }

    /// <summary>Fills <paramref name="hidden"/>, ids.Length × hidden.</summary>
    /// <exception cref="ArgumentException">An id is not in the vocabulary.</exception>
    public void Apply(ReadOnlySpan<int> ids, Matrix<float> hidden)
    {
        Check(ids);
        for (int t = 0; t < ids.Length; t++) table.DecodeRows(ids[t], 1, hidden.Row(t));
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
}
