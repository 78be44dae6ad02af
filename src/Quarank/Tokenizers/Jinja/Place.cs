namespace Quarank.Tokenizers.Jinja;

/// <summary>A line of a template, so that whatever is wrong or not supported there can be named.</summary>
internal readonly record struct Place(string File, int Line)
{
    public InvalidDataException Wrong(string what) => new($"{File}: line {Line} of the template: {what}");

    public NotSupportedException Unsupported(string what, IEnumerable<string> known) =>
        new($"{File}: line {Line} of the template: {what} is not supported; known: {string.Join(", ", known)}.");
}
