using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace Quarank.Tests.Support;

/// <summary>The folder of SmolLM2-135M-Instruct, unpacked once into the build's output by the script that comes with the model.</summary>
internal static class SmolLm2
{
    private static readonly Lock Gate = new();
    private static readonly string[] Pythons = ["python3", "/usr/bin/python3"];

    /// <summary>The folder; skips the test where the model, or a Python with numpy to unpack it, is absent.</summary>
    public static string Folder()
    {
        string script = Shared.Find("models", "smollm2-135m-instruct", "unpack.py");
        string folder = Path.Combine(Repository.Root, "artifacts", "smollm2-135m-instruct");
        lock (Gate)
        {
            if (Directory.Exists(folder)) return folder;
            string unfinished = $"{folder}-{Environment.ProcessId}";
            bool unpacked = Pythons.Any(python => Unpack(python, script, unfinished));
            Assert.SkipUnless(unpacked, "needs a python3 with numpy to unpack SmolLM2, which is absent");
            if (Directory.Exists(folder)) Directory.Delete(unfinished, recursive: true);   // another process was faster
            else Directory.Move(unfinished, folder);
        }
        return folder;
    }

    private static bool Unpack(string python, string script, string folder)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(python, [script, folder]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;   // no such program
        }
    }
}
