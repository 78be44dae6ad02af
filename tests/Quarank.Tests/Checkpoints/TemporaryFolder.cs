namespace Quarank.Tests.Checkpoints;

/// <summary>A folder of its own for a test, removed at its end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("quarank-test-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public string Write(string name, ReadOnlySpan<byte> bytes)
    {
        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
