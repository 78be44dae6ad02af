using System.Globalization;
using System.Text.Json;

namespace Quarank.Evaluation.Tasks.Data;

/// <summary>One row of a data set.</summary>
/// <param name="Fields">A JSON object.</param>
/// <param name="Origin">File and row, for messages.</param>
public sealed record Document(JsonElement Fields, string Origin)
{
    public bool Has(string name) => Fields.TryGetProperty(name, out _);

    /// <summary>The text of the first of the named fields that is there.</summary>
    /// <exception cref="InvalidDataException">None is there, or it is no text.</exception>
    public string Text(params ReadOnlySpan<string> names) => Text(Field(names), names[0]);

    /// <summary>The texts of a field that is a list.</summary>
    public IReadOnlyList<string> Texts(string name) => Texts(Field(name), name);

    /// <summary>A number from 0 to count − 1, also written as text ("1") or as true and false.</summary>
    /// <param name="first">The number that stands for 0.</param>
    public int Index(int count, int first, params ReadOnlySpan<string> names)
    {
        var value = Field(names);
        int found = value.ValueKind switch
        {
            JsonValueKind.True => 1,
            JsonValueKind.False => 0,
            JsonValueKind.Number when value.TryGetInt32(out int n) => n - first,
            JsonValueKind.String when int.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int n) => n - first,
            _ => -1,
        };
        return found >= 0 && found < count ? found
            : throw new InvalidDataException(
                $"{Origin}: \"{names[0]}\" must be a number from {first} to {first + count - 1}, found {value.GetRawText()}. Test splits whose labels are secret cannot be scored.");
    }

    /// <summary>
    /// The choices and the index of the right one: <c>choices</c> = { text: […], label: […] } with <c>answerKey</c> as on Hugging Face,
    /// or a list of texts with an index <c>answer</c>.
    /// </summary>
    public (IReadOnlyList<string> Choices, int Gold) LabelledChoices()
    {
        var choices = Field("choices");
        if (choices.ValueKind == JsonValueKind.Array)
        {
            var plain = Texts(choices, "choices");
            return (plain, Index(plain.Count, 0, "answer"));
        }
        var (texts, labels) = (Texts(Inside(choices, "text"), "choices.text"), Texts(Inside(choices, "label"), "choices.label"));
        string key = Text("answerKey").TrimStart();
        int gold = labels.ToList().IndexOf(key);
        if (texts.Count != labels.Count || gold < 0)
            throw new InvalidDataException($"{Origin}: \"answerKey\" {key} is none of the {texts.Count} labels {string.Join(", ", labels)}.");
        return (texts, gold);
    }

    private JsonElement Field(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
            if (Fields.TryGetProperty(name, out var value)) return value;
        throw new InvalidDataException(
            $"{Origin}: the field \"{names[0]}\" is missing; there are {string.Join(", ", Fields.EnumerateObject().Select(p => p.Name))}.");
    }

    private JsonElement Inside(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) ? value
            : throw new InvalidDataException($"{Origin}: \"choices\" must be a list of texts, or have the lists \"text\" and \"label\".");

    private string Text(JsonElement value, string name) => value.ValueKind == JsonValueKind.String ? value.GetString()!
        : throw new InvalidDataException($"{Origin}: \"{name}\" must be a text, found {value.ValueKind}.");

    private IReadOnlyList<string> Texts(JsonElement value, string name) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select(v => Text(v, name))]
        : throw new InvalidDataException($"{Origin}: \"{name}\" must be a list of texts, found {value.ValueKind}.");
}
