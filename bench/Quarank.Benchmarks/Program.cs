using System.Globalization;
using Quarank.Benchmarks;
using Quarank.Benchmarks.Kernels;

// Ratios measured side by side in one run; each prints a table and tests nothing.
switch (args)
{
    case ["products", ..]: ProductRatios.Run(); return 0;
    case ["methods", var model, var statistics, ..]: LordqPhases.Run(model, statistics, Number(3, 1)); return 0;
    case ["factorizations", var model, var statistics, ..]: Factorizations.Run(model, statistics, Number(3, 1)); return 0;
    case ["methods", ..]: MethodTimes.Run(); return 0;
    case ["forward", var model, ..]: ForwardBenchmark.Run(model, Number(2, 2048), Number(3, 5)); return 0;
    case ["variants", var model, var statistics, var bits, var methods, ..]: VariantTable.Run(model, statistics, bits, methods, Number(5, 1)); return 0;
    case ["layers", var model, var statistics, var methods, ..]: LayerErrors.Run(model, statistics, methods, Number(4, 1), args.Length > 5 ? args[5] : null); return 0;
    case ["calibration", var model, var text, ..]: CalibrationRate.Run(model, text, Number(3, 4), Number(4, 3)); return 0;
    case ["toprank", ..]: TopRankRate.Run(Number(1, 4096), Number(2, 4096), Number(3, 640)); return 0;
    case ["gptq", ..]: GptqRate.Run(Number(1, 4096), Number(2, 3)); return 0;
    case ["decode", ..]: DecodeBenchmark.Run(Number(1, 4096), Number(2, 4096), args.Length > 3 ? args[3] : ""); return 0;
    case ["prefill", ..]: PrefillBenchmark.Run(Number(1, 128)); return 0;
    case ["pool", ..]: PoolBenchmark.Run(); return 0;
    case ["kernels", .. var more]: KernelBenchmarks.Run(more); return 0;
    case ["tokenizers", .. var files]: TokenizerSpeed.Run(files); return 0;
    default:
        Console.Error.WriteLine("""
            products                        tiled products and Gram sums beside BLAS on its own threads
            methods                         seconds of each method on the shapes of a SmolLM2 block
            methods MODEL STATISTICS [N]    where LoRDQ's time goes, from kept Gram matrices, on each n-th block
            factorizations MODEL STATISTICS [N]   LoRDQ's losses with exact and with iterated factors, on each n-th block
            toprank [ROWS COLUMNS RANK]     exact and iterated top factors of synthetic weights: seconds, error above the least
            gptq [N ROUNDS]                 GPTQ of an N x N matrix beside sgemm alone on the same operations
            decode [ROWS COLUMNS [FORM]]    one-token products of each stored form beside the read bandwidth
            prefill [TOKENS]                products of many tokens with packed matrices beside sgemm alone
            pool                            microseconds of a fork and join
            kernels [--filter '*Product*' ...]   BenchmarkDotNet on every kernel, limits measured before and after each case beside it
            forward MODEL [TOKENS ROUNDS]   a batch forward beside sgemm alone on the same products
            variants MODEL STATISTICS BITS METHODS.json [STRIDE]
                                            methods on kept Gram matrices beside LoRDQ as printed, at equal bytes
            layers MODEL STATISTICS METHODS.json [STRIDE [LINES.jsonl]]
                                            methods on kept Gram matrices of each n-th block: error, on how many matrices below the first
            calibration MODEL TEXT [SEQUENCES ROUNDS]   forward and Gram matrices of a block beside sgemm alone on the same products
            tokenizers TEXT FOLDER...       MB/s of each tokenizer
            """);
        return 2;
}

int Number(int position, int otherwise) => args.Length > position ? int.Parse(args[position], CultureInfo.InvariantCulture) : otherwise;
