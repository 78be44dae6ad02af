using Microsoft.Win32.SafeHandles;

namespace Quarank.Checkpoints;

/// <summary>A tensor inside an open file.</summary>
internal sealed class FileTensor(SafeFileHandle file, string path, long start, long length, string name, ElementType type, long[] shape)
    : StoredTensor(name, type, shape)
{
    public override long ByteLength => length;

    public override string Description => $"{path}: tensor {Quoted.Name(Name)}";

    public override void ReadBytes(long offset, Span<byte> bytes)
    {
        TensorShape.CheckRange(this, offset, bytes.Length);
        for (int done = 0; done < bytes.Length;)
        {
            int read = RandomAccess.Read(file, bytes[done..], start + offset + done);
            if (read == 0)
                throw new InvalidDataException(
                    $"{Description} ends at byte {start + length}, but the file now has {start + offset + done}; it was cut short while open.");
            done += read;
        }
    }
}
