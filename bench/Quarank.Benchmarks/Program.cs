if (args is ["products", ..]) Quarank.Benchmarks.ProductRatios.Run();
else BenchmarkDotNet.Running.BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
