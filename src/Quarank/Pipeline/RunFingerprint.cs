using System.Buffers.Binary;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Numerics;

namespace Quarank.Pipeline;

/// <summary>All that decides the bytes of a run's result. Paths, thread counts and clocks are not in it.</summary>
internal sealed record RunFingerprint(string Program, string Blas, string Model, string Calibration, string Recipe)
{
    /// <summary>Version and, when built from a repository, commit.</summary>
    public static string ThisProgram { get; } = typeof(RunFingerprint).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static RunFingerprint Of(Recipe recipe, Checkpoint checkpoint, CalibrationSet calibration) => new(
        ThisProgram, BlasLibrary.Describe(), OfModel(checkpoint), calibration.Hash,
        JsonSerializer.Serialize(
            new { recipe.Method, recipe.Tune, recipe.Propagate, recipe.Order, recipe.Seed, recipe.Layers, recipe.EmbeddingBits, recipe.HeadBits, Fallback = recipe.Fallback ?? true, Tokens = recipe.Weighting().Wanted, recipe.Calibration.NormCut },
            RecipeJson.Options));

    /// <summary>
    /// SHA-256 over the config and, of each tensor, its name, type, shape and first 4 KiB: a model trained on differs in those.
    /// </summary>
    public static string OfModel(Checkpoint checkpoint)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Encoding.UTF8.GetBytes(checkpoint.Config.GetRawText()));
        foreach (var tensor in checkpoint.Tensors.All)
        {
            Append(hash, Encoding.UTF8.GetBytes($"{tensor.Name} {tensor.Type} {string.Join('x', tensor.Shape)}"));
            var start = new byte[Math.Min(4096, tensor.ByteLength)];
            tensor.ReadBytes(0, start);
            Append(hash, start);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>SHA-256 of everything in it.</summary>
    public string Hash() => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(this)));

    /// <summary>What differs from <paramref name="now"/>, in words; empty when nothing does.</summary>
    public IReadOnlyList<string> Differences(RunFingerprint now)
    {
        var differences = new List<string>();
        if (Model != now.Model) differences.Add("the model");
        if (Calibration != now.Calibration) differences.Add("the calibration tokens");
        if (Recipe != now.Recipe) differences.Add($"the recipe (there {Flat(Recipe)}, here {Flat(now.Recipe)})");
        if (Program != now.Program) differences.Add($"the program (there {Program}, here {now.Program})");
        if (Blas != now.Blas) differences.Add($"the BLAS library or the processor (there {Blas}, here {now.Blas})");
        return differences;
    }

    private static string Flat(string json) => string.Join(' ', json.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static void Append(IncrementalHash hash, byte[] bytes)
    {
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, bytes.LongLength);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
