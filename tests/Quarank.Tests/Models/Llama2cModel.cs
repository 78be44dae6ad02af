using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Models;

namespace Quarank.Tests.Models;

/// <summary>
/// Reads llama2.c's version 0 files: seven int32, then float32 tensors of all blocks kind by kind. Its rotary embedding turns
/// neighbouring features, ours the halves of a head, so the rows of queries and keys change places.
/// </summary>
internal static class Llama2cModel
{
    public static Model Load(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        var header = new int[7];
        for (int i = 0; i < header.Length; i++) header[i] = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(4 * i));
        var (dim, hidden, blocks, heads, keyHeads, vocabulary, context) = (header[0], header[1], header[2], header[3], header[4], header[5], header[6]);
        var (rest, tensors, size) = (MemoryMarshal.Cast<byte, float>(file.AsSpan(28)).ToArray().AsMemory(), new StoredTensors(), dim / heads);

        Add("model.embed_tokens.weight", Take(vocabulary * dim), vocabulary, dim);
        Each("input_layernorm", 1, dim, v => v, vector: true);
        Each("self_attn.q_proj", dim, dim, w => Halves(w, heads));
        Each("self_attn.k_proj", keyHeads * size, dim, w => Halves(w, keyHeads));
        Each("self_attn.v_proj", keyHeads * size, dim, w => w);
        Each("self_attn.o_proj", dim, dim, w => w);
        Each("post_attention_layernorm", 1, dim, v => v, vector: true);
        Each("mlp.gate_proj", hidden, dim, w => w);
        Each("mlp.down_proj", dim, hidden, w => w);
        Each("mlp.up_proj", hidden, dim, w => w);
        Add("model.norm.weight", Take(dim), dim);

        return Model.Load(tensors, JsonSerializer.SerializeToElement(new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["hidden_size"] = dim,
            ["intermediate_size"] = hidden,
            ["num_hidden_layers"] = blocks,
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = keyHeads,
            ["vocab_size"] = vocabulary,
            ["max_position_embeddings"] = context,
            ["rms_norm_eps"] = 1e-5,
            ["tie_word_embeddings"] = true,
        }));

        float[] Take(int count)
        {
            float[] values = rest[..count].ToArray();
            rest = rest[count..];
            return values;
        }

        void Each(string name, int rows, int columns, Func<float[], float[]> arrange, bool vector = false)
        {
            for (int b = 0; b < blocks; b++)
                Add($"model.layers.{b}.{name}.weight", arrange(Take(rows * columns)), vector ? [columns] : [rows, columns]);
        }

        void Add(string name, float[] values, params long[] shape) => tensors.Add(name, StoredTensor.FromValues(name, values, shape));

        float[] Halves(float[] w, int headCount)
        {
            var arranged = new float[w.Length];
            for (int h = 0; h < headCount; h++)
            {
                for (int i = 0; i < size; i++)
                    w.AsSpan((h * size + i) * dim, dim).CopyTo(arranged.AsSpan((h * size + i / 2 + i % 2 * (size / 2)) * dim));
            }
            return arranged;
        }
    }
}
