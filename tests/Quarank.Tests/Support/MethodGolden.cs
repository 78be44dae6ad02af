using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Numerics;

namespace Quarank.Tests.Support;

/// <summary>The three small problems on which independent float64 programs ran every method (golden/methods).</summary>
internal static class MethodGolden
{
    private static readonly Lazy<StoredTensors> Tensors = new(() => Checkpoint.Open(Shared.Find("golden", "methods", "golden.safetensors")).Tensors);
    private static readonly Lazy<JsonElement> Errors = new(() => JsonDocument.Parse(File.ReadAllText(Shared.Find("golden", "methods", "golden.json"))).RootElement);

    /// <summary>W and the undamped H of problem "wide" (24×40), "tall" (48×32) or "long" (16×160).</summary>
    public static LayerProblem Problem(string name)
    {
        Shared.Find("golden", "methods");
        return new(name, ToSingle(Values($"{name}.W")), new(1000, Values($"{name}.H")));
    }

    /// <summary>The matrix a method must reconstruct, in double.</summary>
    public static Matrix<double> Values(string name)
    {
        var tensor = Tensors.Value[name];
        return new(tensor.Rows, tensor.Columns, tensor.ReadArray<double>());
    }

    /// <summary>tr(D H Dᵀ) / tr(W H Wᵀ) of that matrix.</summary>
    public static double RelativeError(string name) => Errors.Value.GetProperty(name).GetProperty("relative_error").GetDouble();

    private static Matrix<float> ToSingle(Matrix<double> m) => new(m.Rows, m.Columns, [.. m.Data.ToArray().Select(v => (float)v)]);
}
