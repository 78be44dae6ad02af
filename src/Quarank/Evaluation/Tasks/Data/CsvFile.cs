using System.Text.Json;
using Microsoft.VisualBasic.FileIO;

namespace Quarank.Evaluation.Tasks.Data;

/// <summary>Comma-separated values with a header line and quoted fields, as StoryCloze is given out.</summary>
internal static class CsvFile
{
    public static IReadOnlyList<Document> Read(string path, string text)
    {
        using var parser = new TextFieldParser(new StringReader(text)) { HasFieldsEnclosedInQuotes = true, TrimWhiteSpace = false };
        parser.SetDelimiters(",");
        var documents = new List<Document>();
        string[]? header = null;
        try
        {
            while (parser.ReadFields() is { } fields)
            {
                if (header is null)
                {
                    header = fields;
                    continue;
                }
                string origin = $"{path}, row {documents.Count + 1}";
                if (fields.Length != header.Length)
                    throw new InvalidDataException($"{origin}: {fields.Length} values for the {header.Length} columns of the header.");
                var row = header.Zip(fields).ToDictionary(p => p.First, p => p.Second);
                documents.Add(new(JsonSerializer.SerializeToElement(row), origin));
            }
        }
        catch (MalformedLineException e)
        {
            throw new InvalidDataException($"{path}: line {e.LineNumber} is not comma-separated values: {e.Message}", e);
        }
        return documents;
    }
}
