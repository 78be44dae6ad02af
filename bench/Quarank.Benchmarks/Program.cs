using System.Globalization;
using Quarank.Benchmarks;

if (args is ["products", ..]) ProductRatios.Run();
else if (args is ["methods", ..]) MethodTimes.Run();
else if (args is ["forward", var model, ..]) ForwardBenchmark.Run(model, Number(2, 2048), Number(3, 5));
else if (args is ["tokenizers", .. var files]) TokenizerSpeed.Run(files);
else BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);

int Number(int position, int otherwise) => args.Length > position ? int.Parse(args[position], CultureInfo.InvariantCulture) : otherwise;
