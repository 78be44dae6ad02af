using Quarank.Layers;
using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>In which numbers a model runs. The default is exact: what calibration and evaluation take.</summary>
/// <param name="Inputs">Of the linear layers, token by token and many together alike.</param>
/// <param name="Cache">Of the keys and values.</param>
public sealed record InferenceSettings(InputNumbers Inputs = InputNumbers.Floats, CacheNumbers Cache = CacheNumbers.F32)
{
    /// <summary>What generation takes: inputs in bytes, keys and values in half floats.</summary>
    public static InferenceSettings Fast { get; } = new(InputNumbers.Bytes, CacheNumbers.F16);
}
