using System.Globalization;
using Quarank.Benchmarks;

if (args is ["products", ..]) ProductRatios.Run();
else if (args is ["methods", ..]) MethodTimes.Run();
else if (args is ["forward", var model, ..]) ForwardBenchmark.Run(model, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 2048);
else if (args is ["tokenizers", .. var files]) TokenizerSpeed.Run(files);
else BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
