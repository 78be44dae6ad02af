using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Tests.Support;

namespace Quarank.Tests.Models;

/// <summary>A small model in a folder, removed at the test's end.</summary>
internal sealed class TemporaryModel : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("quarank-model-").FullName;

    public TemporaryModel(SomeLlama tiny, IEnumerable<StoredTensor>? tensors = null, JsonNode? section = null) =>
        new CheckpointWriter(tiny.Config, tensors ?? tiny.Tensors.All) { Section = section }.Write(Folder);

    public string Folder => Path.Combine(_root, "model");

    public Checkpoint Open() => Checkpoint.Open(Folder);

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
