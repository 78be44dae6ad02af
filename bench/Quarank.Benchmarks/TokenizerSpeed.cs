using System.Diagnostics;
using System.Text;
using Quarank.Tokenizers;

namespace Quarank.Benchmarks;

/// <summary>
/// <c>tokenizers TEXT FOLDER…</c>: megabytes of UTF-8 encoded a second on one thread, of a tokenizer just loaded (its word cache
/// empty;
/// the code compiled by a first tokenizer of the same folder) and of one that has met the text before.
/// </summary>
internal static class TokenizerSpeed
{
    private const int Rounds = 5;

    public static void Run(string[] args)
    {
        if (args.Length < 2)
        {
            Console.Error.WriteLine("usage: tokenizers TEXT FOLDER-OR-FILE…");
            return;
        }
        string text = File.ReadAllText(args[0]);
        double megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
        Console.WriteLine($"{megabytes:F2} MB, best of {Rounds}");
        Console.WriteLine($"{"tokenizer",-40}{"tokens",10}{"load s",10}{"cold MB/s",12}{"warm MB/s",12}{"decode MB/s",13}");
        foreach (string path in args[1..])
        {
            double load = double.MaxValue, cold = double.MaxValue, warm = double.MaxValue, decode = double.MaxValue;
            int[] ids = [];
            for (int round = 0; round < Rounds; round++)
            {
                Tokenizer? tokenizer = null;
                load = Math.Min(load, Seconds(() => tokenizer = Tokenizer.Load(path)));
                cold = Math.Min(cold, Seconds(() => ids = tokenizer!.Encode(text)));
                warm = Math.Min(warm, Seconds(() => ids = tokenizer!.Encode(text)));
                decode = Math.Min(decode, Seconds(() => tokenizer!.Decode(ids)));
            }
            string name = path.Length > 38 ? "…" + path[^37..] : path;
            (cold, warm, decode) = (megabytes / cold, megabytes / warm, megabytes / decode);
            Console.WriteLine($"{name,-40}{ids.Length,10}{load,10:F2}{cold,12:F1}{warm,12:F1}{decode,13:F1}");
        }
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
