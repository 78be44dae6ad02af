namespace Quarank.Tokenizers.Jinja;

/// <summary>A template of the subset of Jinja that chat templates use.</summary>
internal sealed class Template
{
    private readonly Body _body;
    private readonly string _file;

    private Template(Body body, string file) => (_body, _file) = (body, file);

    /// <param name="file">The name that error messages give the source.</param>
    /// <exception cref="InvalidDataException">The template is not well formed; the message names file and line.</exception>
    /// <exception cref="NotSupportedException">It has a construct not supported; the message lists what is.</exception>
    public static Template Parse(string source, string file) => new(Parser.Parse(source, file), file);

    /// <param name="now">The time that strftime_now writes.</param>
    /// <exception cref="InvalidDataException">Something has no value or no meaning; the message names file and line.</exception>
    /// <exception cref="NotSupportedException">The template refuses the values, or asks for what is not supported.</exception>
    public string Render(IEnumerable<KeyValuePair<string, object?>> values, DateTime now)
    {
        var scope = new Scope();
        Functions.AddTo(scope, now);
        foreach (var (name, value) in values) scope.Set(name, value);
        try
        {
            return _body.Render(scope);
        }
        catch (OverflowException e)
        {
            throw new InvalidDataException($"{_file}: a number of the template becomes too large.", e);
        }
    }
}
