namespace Quarank.Checkpoints;

/// <summary>Files that must be on the disk, whole, before anybody sees them under their name.</summary>
internal static class OutputFile
{
    /// <summary>A new file with its room reserved, so that a disk too small is known before the work.</summary>
    public static Stream Create(string path, long length) => new FileStream(path, new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.Write,
        PreallocationSize = length,
        BufferSize = 0,
    });

    /// <summary>Waits until the system has put the bytes on the disk.</summary>
    public static void Finish(Stream stream)
    {
        if (stream is FileStream file) file.Flush(flushToDisk: true);
        else stream.Flush();
    }

    /// <summary>Does <paramref name="write"/>; when it fails for any reason <paramref name="undo"/> removes what it began.</summary>
    /// <exception cref="IOException">Writing failed; the message names path and size.</exception>
    public static void Guard(string path, long length, Action undo, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e)
        {
            Try(undo);
            if (e is IOException or UnauthorizedAccessException)
                throw new IOException($"{path}: writing {length} bytes failed, nothing was left behind: {e.Message}", e);
            throw;
        }
    }

    // What cannot be removed must not hide why the writing failed.
    private static void Try(Action undo)
    {
        try
        {
            undo();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
