using System.Collections;
using System.Text.Json;
using Parquet;
using Parquet.Serialization;

namespace Quarank.Evaluation.Tasks.Data;

/// <summary>Parquet as Hugging Face keeps data sets: columns of texts, numbers, lists of them, and records.</summary>
internal static class ParquetFile
{
    public static IReadOnlyList<Document> Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            var rows = ParquetSerializer.DeserializeUntypedAsync(stream).GetAwaiter().GetResult().Data;
            return [.. rows.Select((row, i) => new Document(JsonSerializer.SerializeToElement(Plain(row, path)), $"{path}, row {i + 1}"))];
        }
        catch (Exception e) when (e is ParquetException or IOException and not FileNotFoundException)
        {
            throw new InvalidDataException($"{path}: not readable parquet: {e.Message}", e);
        }
    }

    private static object? Plain(object? value, string path) => value switch
    {
        null or string or bool or int or long or float or double or short or byte or sbyte or ushort or uint or ulong => value,
        ReadOnlyMemory<char> text => text.ToString(),   // how texts inside lists come
        IDictionary record => record.Keys.Cast<object>().ToDictionary(k => k.ToString()!, k => Plain(record[k], path)),
        byte[] => throw new NotSupportedException($"{path}: a column of bytes; texts, numbers, lists and records are read."),
        IEnumerable list => list.Cast<object?>().Select(v => Plain(v, path)).ToList(),
        _ => throw new NotSupportedException($"{path}: a column of {value.GetType().Name}; texts, numbers, lists and records are read."),
    };
}
