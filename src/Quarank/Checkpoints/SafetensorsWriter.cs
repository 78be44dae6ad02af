namespace Quarank.Checkpoints;

/// <summary>Writes single safetensors files, whole or not at all. A model folder is <see cref="CheckpointWriter"/>'s work.</summary>
public static class SafetensorsWriter
{
    /// <summary>
    /// Writes beside <paramref name="path"/> under the ending <c>.partial</c>, then renames; a file that was there is replaced, and stays as it
    /// was when anything fails. Tensors are read a chunk at a time.
    /// </summary>
    /// <exception cref="ArgumentException">Two tensors have one name.</exception>
    /// <exception cref="IOException">The disk is full, or the place cannot be written; the message has path and size.</exception>
    public static void Write(string path, IEnumerable<StoredTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancel = default) => Write(path, tensors, metadata, OutputFile.Create, cancel);

    internal static void Write(string path, IEnumerable<StoredTensor> tensors, IReadOnlyDictionary<string, string>? metadata,
        Func<string, long, Stream> create, CancellationToken cancel)
    {
        var layout = new SafetensorsLayout(tensors, metadata);
        string partial = path + ".partial";
        OutputFile.Guard(path, layout.Length, undo: () => File.Delete(partial), () =>
        {
            File.Delete(partial);   // of a run that was killed
            Write(partial, layout, create, cancel);
            File.Move(partial, path, overwrite: true);
        });
    }

    /// <summary>Writes in place, and returns when the bytes are on the disk.</summary>
    internal static void Write(string path, SafetensorsLayout layout, Func<string, long, Stream> create, CancellationToken cancel)
    {
        using var stream = create(path, layout.Length);
        layout.WriteTo(stream, cancel);
        OutputFile.Finish(stream);
    }
}
