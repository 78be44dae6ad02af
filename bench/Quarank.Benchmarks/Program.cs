if (args is ["products", ..]) Quarank.Benchmarks.ProductRatios.Run();
else if (args is ["methods", ..]) Quarank.Benchmarks.MethodTimes.Run();
else BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
