using System.Runtime.InteropServices;

namespace Quarank.Numerics;

/// <summary>Finds the native BLAS and LAPACK, gives it one thread and checks it once before its first use.</summary>
public static unsafe class BlasLibrary
{
    /// <summary>Libraries that hold CBLAS and LAPACK together, in the order they are tried.</summary>
    internal static readonly string[] Candidates =
    [
        "libopenblas.so.0", "libopenblas.so", "/System/Library/Frameworks/Accelerate.framework/Accelerate", "libopenblas.dylib",
        "/opt/homebrew/opt/openblas/lib/libopenblas.dylib", "libopenblas.dll",
        "libmkl_rt.so.2", "libmkl_rt.so", "mkl_rt.2.dll", "mkl_rt.dll", "libmkl_rt.dylib",
    ];

    private static readonly Lock Gate = new();
    private static volatile bool _ready;
    private static string? _refusal;
    private static string _name = "";
    private static nint _handle;
    private static delegate* unmanaged<int, void> _setThreads;
    private static bool _perThread;
    [ThreadStatic] private static bool t_single;

    /// <summary>Name, version and processor kernels, for manifests: "libopenblas.so.0: OpenBLAS 0.3.21 … (core Zen)".</summary>
    /// <exception cref="NotSupportedException">There is no BLAS library, or it computes wrongly.</exception>
    public static string Describe()
    {
        Ready();
        return (Text("openblas_get_config"), Text("openblas_get_corename")) switch
        {
            (null, _) => _name,
            (var config, null) => $"{_name}: {config}",
            (var config, var core) => $"{_name}: {config} (core {core})",
        };
    }

    /// <summary>Loads and checks the library on the first call, and keeps it at one thread a call.</summary>
    /// <exception cref="NotSupportedException">There is no BLAS library, or it computes wrongly; the message says what to do.</exception>
    public static void Ready()
    {
        if (!_ready) Prepare();
        if (_perThread && !t_single) UseOneThread();
    }

    private static void Prepare()
    {
        lock (Gate)
        {
            if (_ready) return;
            if (_refusal is null && _handle == 0)
            {
                try
                {
                    (_handle, _name) = Find(Candidates);
                    NativeLibrary.SetDllImportResolver(typeof(BlasLibrary).Assembly,
                        (name, _, _) => name == OpenBlas.Library ? _handle : 0);
                    FindThreadSetter();
                    UseOneThread();
                    BlasCheck.Run(BlasCheck.Native, _name);
                }
                catch (NotSupportedException e)
                {
                    _refusal = e.Message;
                }
            }
            if (_refusal is not null) throw new NotSupportedException(_refusal);
            _ready = true;
        }
    }

    internal static (nint Handle, string Name) Find(IEnumerable<string> candidates)
    {
        foreach (string name in candidates)
            if (NativeLibrary.TryLoad(name, typeof(BlasLibrary).Assembly, null, out nint handle)
                && NativeLibrary.TryGetExport(handle, "cblas_sgemm", out _) && NativeLibrary.TryGetExport(handle, "dpotrf_", out _))
                return (handle, Path.GetFileName(name));
        string release = File.Exists("/etc/os-release") ? File.ReadAllText("/etc/os-release") : "";
        string advice = InstallAdvice(OperatingSystem.IsWindows(), OperatingSystem.IsMacOS(), release);
        throw new NotSupportedException($"No BLAS library (OpenBLAS, Accelerate or MKL) was found. {advice}");
    }

    /// <summary>How to install a BLAS here; <paramref name="release"/> is the text of /etc/os-release.</summary>
    internal static string InstallAdvice(bool windows, bool mac, string release)
    {
        if (windows) return $"Put libopenblas.dll (OpenBLAS releases, 64 bit) into {AppContext.BaseDirectory}";
        if (mac) return "Install it with: brew install openblas";
        string ids = string.Join(' ', release.Split('\n').Where(line => line.StartsWith("ID=", StringComparison.Ordinal)
            || line.StartsWith("ID_LIKE=", StringComparison.Ordinal)));
        if (ids.Contains("fedora") || ids.Contains("rhel")) return "Install it with: sudo dnf install openblas";
        if (ids.Contains("arch")) return "Install it with: sudo pacman -S openblas";
        if (ids.Contains("suse")) return "Install it with: sudo zypper install libopenblas_pthreads0";
        if (ids.Contains("alpine")) return "Install it with: sudo apk add openblas";
        return "Install it with: sudo apt-get install libopenblas0-pthread";
    }

    private static void FindThreadSetter()
    {
        if (NativeLibrary.TryGetExport(_handle, "openblas_set_num_threads", out nint setter)
            || NativeLibrary.TryGetExport(_handle, "MKL_Set_Num_Threads", out setter))
            _setThreads = (delegate* unmanaged<int, void>)setter;
        // An OpenMP build (2) keeps the count per calling thread.
        if (NativeLibrary.TryGetExport(_handle, "openblas_get_parallel", out nint parallel))
            _perThread = ((delegate* unmanaged<int>)parallel)() == 2;
    }

    private static void UseOneThread()
    {
        SetThreads(1);
        t_single = true;
    }

    /// <summary>For benchmarks that compare with the library's own threads; everything else leaves it at one.</summary>
    internal static void SetThreads(int count)
    {
        if (_setThreads is not null) _setThreads(count);
    }

    private static string? Text(string export) => NativeLibrary.TryGetExport(_handle, export, out nint function)
        ? Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<byte*>)function)())?.Trim()
        : null;
}
