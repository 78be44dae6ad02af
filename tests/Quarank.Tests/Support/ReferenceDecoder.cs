using System.Text.Json;
using Quarank.Checkpoints;

namespace Quarank.Tests.Support;

/// <summary>
/// A Llama written a second time, in double precision and plain loops, from the config and the tensors alone. It shares no
/// code with the library but the reading of tensors.
/// </summary>
internal sealed class ReferenceDecoder(JsonElement config, StoredTensors tensors)
{
    private readonly int _hidden = Int("hidden_size", config), _heads = Int("num_attention_heads", config);
    private readonly int _vocabulary = Int("vocab_size", config), _intermediate = Int("intermediate_size", config);
    private readonly double _epsilon = config.GetProperty("rms_norm_eps").GetDouble();

    private int KeyHeads => config.TryGetProperty("num_key_value_heads", out var k) ? k.GetInt32() : _heads;
    private int HeadSize => config.TryGetProperty("head_dim", out var d) ? d.GetInt32() : _hidden / _heads;

    /// <summary>Logits after each token, tokens × vocabulary.</summary>
    public double[][] Logits(int[] ids)
    {
        var embedding = Values("model.embed_tokens.weight");
        var states = ids.Select(id => embedding[(id * _hidden)..((id + 1) * _hidden)]).ToArray();
        for (int b = 0; b < Int("num_hidden_layers", config); b++) RunBlock($"model.layers.{b}.", states);

        bool tied = config.TryGetProperty("tie_word_embeddings", out var t) && t.GetBoolean();
        var head = tied ? embedding : Values("lm_head.weight");
        return [.. states.Select(x => Multiply(head, Norm(x, "model.norm"), _vocabulary))];
    }

    private void RunBlock(string name, double[][] states)
    {
        var (q, k, v) = (new double[states.Length][], new double[states.Length][], new double[states.Length][]);
        for (int t = 0; t < states.Length; t++)
        {
            var x = Norm(states[t], name + "input_layernorm");
            q[t] = Turned(Layer(name + "self_attn.q_proj", x, _heads * HeadSize), t);
            k[t] = Turned(Layer(name + "self_attn.k_proj", x, KeyHeads * HeadSize), t);
            v[t] = Layer(name + "self_attn.v_proj", x, KeyHeads * HeadSize);
        }
        for (int t = 0; t < states.Length; t++)
        {
            Add(states[t], Layer(name + "self_attn.o_proj", Attended(q[t], k, v, t), _hidden));
            var x = Norm(states[t], name + "post_attention_layernorm");
            var gate = Layer(name + "mlp.gate_proj", x, _intermediate);
            var up = Layer(name + "mlp.up_proj", x, _intermediate);
            for (int i = 0; i < _intermediate; i++) up[i] *= gate[i] / (1 + Math.Exp(-gate[i]));
            Add(states[t], Layer(name + "mlp.down_proj", up, _hidden));
        }
    }

    private double[] Attended(double[] q, double[][] k, double[][] v, int last)
    {
        var result = new double[q.Length];
        for (int h = 0; h < _heads; h++)
        {
            int source = h / (_heads / KeyHeads) * HeadSize;
            var weights = new double[last + 1];
            for (int t = 0; t <= last; t++)
            {
                double score = 0;
                for (int d = 0; d < HeadSize; d++) score += q[h * HeadSize + d] * k[t][source + d];
                weights[t] = Math.Exp(score / Math.Sqrt(HeadSize));
            }
            double total = weights.Sum();
            for (int t = 0; t <= last; t++)
                for (int d = 0; d < HeadSize; d++) result[h * HeadSize + d] += weights[t] / total * v[t][source + d];
        }
        return result;
    }

    /// <summary>Each head's pairs (i, i + half), as complex numbers, times e^(i · angle).</summary>
    private double[] Turned(double[] x, int position)
    {
        var result = new double[x.Length];
        int half = HeadSize / 2;
        for (int j = 0; j < x.Length; j += HeadSize)
        {
            for (int i = 0; i < half; i++)
            {
                var turned = new System.Numerics.Complex(x[j + i], x[j + i + half]) * System.Numerics.Complex.FromPolarCoordinates(1, position * Frequency(i));
                (result[j + i], result[j + i + half]) = (turned.Real, turned.Imaginary);
            }
        }
        return result;
    }

    private double Frequency(int pair)
    {
        var rope = config.TryGetProperty("rope_parameters", out var p) ? p : config.TryGetProperty("rope_scaling", out var s) ? s : default;
        bool given = rope.ValueKind == JsonValueKind.Object;
        double theta = given && rope.TryGetProperty("rope_theta", out var inner) ? inner.GetDouble()
            : config.TryGetProperty("rope_theta", out var outer) ? outer.GetDouble() : 10000;
        double frequency = 1 / Math.Pow(theta, (double)(2 * pair) / HeadSize);
        string type = !given ? "default" : (rope.TryGetProperty("rope_type", out var t) ? t : rope.GetProperty("type")).GetString()!;
        if (type == "default") return frequency;
        double factor = rope.GetProperty("factor").GetDouble();
        if (type == "linear") return frequency / factor;

        double low = rope.GetProperty("low_freq_factor").GetDouble(), high = rope.GetProperty("high_freq_factor").GetDouble();
        double context = rope.GetProperty("original_max_position_embeddings").GetDouble(), wave = 2 * Math.PI / frequency;
        if (wave < context / high) return frequency;
        if (wave > context / low) return frequency / factor;
        double smooth = (context / wave - low) / (high - low);
        return (1 - smooth) * frequency / factor + smooth * frequency;
    }

    private double[] Norm(double[] x, string name)
    {
        var gain = Values(name + ".weight");
        double root = Math.Sqrt(x.Sum(v => v * v) / x.Length + _epsilon);
        return [.. x.Select((v, i) => v / root * gain[i])];
    }

    private double[] Layer(string name, double[] x, int rows)
    {
        var y = Multiply(Values(name + ".weight"), x, rows);
        if (tensors.Contains(name + ".bias")) Add(y, Values(name + ".bias"));
        return y;
    }

    private static double[] Multiply(double[] w, double[] x, int rows)
    {
        var y = new double[rows];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < x.Length; j++) y[i] += w[i * x.Length + j] * x[j];
        return y;
    }

    private static void Add(double[] x, double[] y)
    {
        for (int i = 0; i < x.Length; i++) x[i] += y[i];
    }

    private double[] Values(string name) => [.. tensors[name].ReadAll().Select(v => (double)v)];

    private static int Int(string key, JsonElement config) => config.GetProperty(key).GetInt32();
}
