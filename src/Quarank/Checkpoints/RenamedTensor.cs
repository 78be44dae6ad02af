namespace Quarank.Checkpoints;

/// <summary>Another tensor's bytes under a new name; messages keep the name that its file has.</summary>
internal sealed class RenamedTensor(StoredTensor inner, string name) : StoredTensor(name, inner.Type, [.. inner.Shape])
{
    public override long ByteLength => inner.ByteLength;

    public override string Description => inner.Description;

    public override void ReadBytes(long offset, Span<byte> bytes) => inner.ReadBytes(offset, bytes);
}
