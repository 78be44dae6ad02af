using Quarank.Checkpoints;
using Quarank.Numerics.Kernels;

namespace Quarank.Models;

/// <summary>What a model takes in memory while it generates, worked out from its headers.</summary>
/// <param name="Weights">Bytes of all tensors as they are held: codes and 16-bit weights as stored, scales and offsets of codes as floats.</param>
/// <param name="CachePerThousand">Bytes of keys and values of the first 1,000 tokens.</param>
/// <param name="CacheInFull">Bytes of keys and values when the context is full; blocks with a window keep no more than it and some pages.</param>
public sealed record RunMemory(long Weights, long CachePerThousand, long CacheInFull)
{
    // Runtime, tokenizer and buffers: 86 MB with a vocabulary of 49,152.
    private const long Program = 90_000_000;

    /// <summary>Bytes of the process with a text of 1,000 tokens.</summary>
    public long Total => Weights + CachePerThousand + Program;

    /// <param name="numbers">How keys and values are kept.</param>
    public static RunMemory Of(Checkpoint checkpoint, ModelSpec spec, CacheNumbers numbers)
    {
        var compressed = LayerTable.Read(checkpoint.Config, spec).Names.ToHashSet(StringComparer.Ordinal);
        return new(checkpoint.Tensors.All.Sum(t => Held(t, compressed)), Cache(spec, numbers, Math.Min(1000, spec.ContextLength)), Cache(spec, numbers, spec.ContextLength));
    }

    // Kernels take the scales of groups in 16 bits; beside them stand two bytes for the zero-point, or of a codebook a float. A row's one scale is a
    // float, with one for its offset.
    private static long Held(StoredTensor tensor, HashSet<string> compressed) => tensor.Type switch
    {
        ElementType.F64 => tensor.ByteLength / 2,
        ElementType.F16 or ElementType.BF16 when IsWithin(tensor.Name, compressed) => (tensor.Shape is [_, > 1] ? 3 : 5) * tensor.ByteLength,
        _ => tensor.ByteLength,
    };

    private static bool IsWithin(string tensor, HashSet<string> layers)
    {
        for (int dot = tensor.LastIndexOf('.'); dot > 0; dot = tensor.LastIndexOf('.', dot - 1))
            if (layers.Contains(tensor[..dot])) return true;
        return false;
    }

    private static long Cache(ModelSpec spec, CacheNumbers numbers, int tokens)
    {
        long perPosition = (long)spec.KeyValueHeadCount * HeadCache.Create(numbers, spec.HeadSize).BytesPerPosition, bytes = 0;
        for (int block = 0; block < spec.BlockCount; block++) bytes += perPosition * Math.Min(tokens, Session.MostKept(spec.WindowOf(block)));
        return bytes;
    }
}
