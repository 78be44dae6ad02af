namespace Quarank.Tests.Checkpoints;

/// <summary>A new file on a disk that has room for so many bytes.</summary>
internal sealed class SmallDisk(string path, long room) : FileStream(path, FileMode.CreateNew, FileAccess.Write)
{
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (Position + buffer.Length > room) throw new IOException($"No space left on device : '{Name}'");
        base.Write(buffer);
    }
}
