using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Quarank.Numerics;

/// <summary>What this program runs on, for tables.</summary>
public static class Processor
{
    /// <summary>As the system calls it; else the kind of processor.</summary>
    public static string Name { get; } = FromSystem() ?? RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>The vector instructions that the runtime uses here: "AVX2, FMA", or "none".</summary>
    public static string VectorUnits
    {
        get
        {
            string[] units =
            [
                .. Avx512BW.IsSupported ? ["AVX-512"] : Array.Empty<string>(),
                .. Avx512Vbmi.IsSupported ? ["VBMI"] : Array.Empty<string>(),
                .. Avx2.IsSupported ? ["AVX2"] : Array.Empty<string>(),
                .. Fma.IsSupported ? ["FMA"] : Array.Empty<string>(),
                .. AdvSimd.IsSupported ? ["Neon"] : Array.Empty<string>(),
                .. Dp.IsSupported ? ["dot product"] : Array.Empty<string>(),
            ];
            return units.Length == 0 ? "none" : string.Join(", ", units);
        }
    }

    private static string? FromSystem()
    {
        try
        {
            if (!File.Exists("/proc/cpuinfo")) return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
            string? line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal));
            return line is null ? null : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
