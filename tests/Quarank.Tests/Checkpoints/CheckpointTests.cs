using System.Text;
using Quarank.Checkpoints;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Checkpoints;

public class CheckpointTests
{
    public static TheoryData<string> Architectures =>
        ["gemma2", "gemma3", "llama", "llama-tied-bias", "llama3-rope", "mistral-window", "mixtral", "opt", "opt-post-norm-proj", "phi3",
         "phi3-longrope", "qwen2", "qwen3"];

    [Theory, MemberData(nameof(Architectures))]
    public void Models_of_other_programs_open(string name)
    {
        string folder = Shared.Find("golden", "arch", name);
        using var model = Checkpoint.Open(folder);
        using var golden = Checkpoint.Open(Path.Combine(folder, "golden.safetensors"));

        Assert.StartsWith(name[..3], model.Config.GetProperty("model_type").GetString());
        Assert.Equal(new FileInfo(Path.Combine(folder, "model.safetensors")).Length, model.FileBytes);
        Assert.Equal("pt", model.Metadata["format"]);
        Assert.NotEmpty(model.Tensors.Names);
        Assert.All(model.Tensors.All, t => Assert.All(t.ReadAll(), v => Assert.True(float.IsFinite(v))));

        int[] ids = golden.Tensors["input_ids"].ReadArray<int>();
        var logits = golden.Tensors["logits"];
        Assert.Equal((ids.Length, 160), (logits.Rows, logits.Columns));
        Assert.Equal(folder, golden.Directory);
    }

    [Fact]
    public void Doubles_are_read_as_doubles_and_rounded_to_floats()
    {
        using var golden = Checkpoint.Open(Shared.Find("golden", "methods", "golden.safetensors"));
        var problem = golden.Tensors.Under("wide");
        double[] x = problem["X"].ReadArray<double>(), h = problem["H"].ReadArray<double>();
        int n = problem["X"].Columns, tokens = problem["X"].Rows;

        // The file says H = XᵀX / tokens; one entry of it checks both reads.
        double sum = 0;
        for (int t = 0; t < tokens; t++) sum += x[t * n + 1] * x[t * n + 2];
        Assert.Equal(h[n + 2], sum / tokens, 1e-12);
        Assert.Equal(x.Select(v => (float)v), problem["X"].ReadAll());
    }

    [Fact]
    public void Shards_are_one_set_of_tensors()
    {
        using var folder = ShardedModel();
        using var read = Checkpoint.Open(folder.Root);
        Assert.Equal(["a", "b", "c"], read.Tensors.Names);
        Assert.Equal([3f], read.Tensors["c"].ReadAll());
        Assert.Equal(folder.Root, read.Directory);
    }

    [Theory]
    [InlineData("{", "model.safetensors.index.json: not valid JSON: ")]
    [InlineData("[1]", "expected a JSON object, found Array")]
    [InlineData("{}", "expected an object 'weight_map'")]
    [InlineData("""{"weight_map":[]}""", "expected an object 'weight_map'")]
    [InlineData("""{"weight_map":{}}""", "'weight_map' is empty")]
    [InlineData("""{"weight_map":{"a":1}}""", "tensor 'a': expected the name of a .safetensors file in this folder, found '1'")]
    [InlineData("""{"weight_map":{"a":"../1.safetensors"}}""", "in this folder, found '../1.safetensors'")]
    [InlineData("""{"weight_map":{"a":"/tmp/1.safetensors"}}""", "in this folder, found '/tmp/1.safetensors'")]
    [InlineData("""{"weight_map":{"a":"..\\1.safetensors"}}""", "in this folder, found")]
    [InlineData("""{"weight_map":{"a":"1.bin"}}""", "in this folder, found '1.bin'")]
    [InlineData("""{"weight_map":{"a":"\ud800.safetensors"}}""", "the string at byte 19 is not valid Unicode")]
    [InlineData("""{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}""", "not valid JSON: ")]
    [InlineData("""{"weight_map":{"a":"1.safetensors","b":"1.safetensors","c":"3.safetensors"}}""", "names the shard '3.safetensors', which is not in the folder")]
    [InlineData("""{"weight_map":{"a":"1.safetensors","c":"2.safetensors"}}""", "does not list tensor 'b', which 1.safetensors holds")]
    [InlineData("""{"weight_map":{"a":"1.safetensors","b":"2.safetensors","c":"2.safetensors"}}""", "puts tensor 'b' in 2.safetensors, but 1.safetensors holds it")]
    [InlineData("""{"weight_map":{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors","d":"2.safetensors"}}""", "puts tensor 'd' in 2.safetensors, which does not hold it")]
    public void Every_lie_in_an_index_is_refused_by_name(string index, string message)
    {
        using var folder = ShardedModel();
        string path = folder.Write("model.safetensors.index.json", Encoding.UTF8.GetBytes(index));
        var e = Assert.Throws<InvalidDataException>(() => Checkpoint.Open(folder.Root));
        Assert.StartsWith(path + ": ", e.Message);
        Assert.Contains(message, e.Message);
        File.Delete(folder["1.safetensors"]);   // fails on some systems while a handle is open
    }

    [Fact]
    public void A_damaged_index_is_refused_or_read_and_nothing_else()
    {
        using var folder = ShardedModel();
        byte[] good = File.ReadAllBytes(folder["model.safetensors.index.json"]);
        int refused = 0;
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bytes = (byte[])good.Clone();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            folder.Write("model.safetensors.index.json", bytes);
            try
            {
                Checkpoint.Open(folder.Root).Dispose();
            }
            catch (InvalidDataException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }
        Assert.InRange(refused, good.Length * 4, good.Length * 8 - 1);   // total_size may say anything
    }

    [Fact]
    public void The_size_that_an_index_claims_is_never_trusted()
    {
        using var folder = ShardedModel(totalSize: "999999999999999999999999");
        using var read = Checkpoint.Open(folder.Root);
        Assert.Equal(new DirectoryInfo(folder.Root).GetFiles("*.safetensors").Sum(f => f.Length), read.FileBytes);
    }

    [Fact]
    public void What_is_missing_is_named_with_what_to_do()
    {
        using var folder = new TemporaryFolder();
        string root = folder.Root;
        Refused<FileNotFoundException>(folder["nowhere"], $"{folder["nowhere"]}: no such file or folder.");
        Refused<NotSupportedException>(folder.Write("model.gguf", "GGUF"u8),
            $"{folder["model.gguf"]}: not a .safetensors file; a model folder holds config.json, *.safetensors and a tokenizer.");
        Refused<InvalidDataException>(root, $"{root}: no config.json; a model folder holds config.json, *.safetensors and a tokenizer.");

        folder.Write("config.json", "{\n  \"a\": 1,\n  b\n}"u8);
        Refused<InvalidDataException>(root, $"{folder["config.json"]}: not valid JSON: 'b' is an invalid start of a property name. " +
            "Expected a '\"'. LineNumber: 2 | BytePositionInLine: 2.");
        folder.Write("config.json", "{ \"a\": 1, \"a\": 2 }"u8);
        Assert.Contains("'a'", Assert.Throws<InvalidDataException>(() => Checkpoint.Open(root)).Message);
        folder.Write("config.json", [(byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)':', (byte)'1', (byte)'}']);
        Refused<InvalidDataException>(root, $"{folder["config.json"]}: not valid UTF-8, as JSON must be.");

        folder.Write("config.json", "\uFEFF{}"u8);
        Refused<InvalidDataException>(root, $"{root}: expected model.safetensors, or model.safetensors.index.json and its shards; found neither.");
        folder.Write("weights.safetensors", "{}"u8);
        Assert.Contains("(there is 'weights.safetensors', which has neither name)", Assert.Throws<InvalidDataException>(() => Checkpoint.Open(root)).Message);
        folder.Write("pytorch_model-00001-of-00002.bin", "PK"u8);
        Refused<NotSupportedException>(root, $"{root}: pytorch_model-00001-of-00002.bin is a pickle, which is not supported; " +
            "convert it to safetensors (save_pretrained of transformers writes them).");
    }

    [Fact]
    public void A_stale_index_beside_a_single_file_is_refused()
    {
        using var folder = ShardedModel();
        File.Copy(folder["1.safetensors"], folder["model.safetensors"]);
        Assert.Contains("remove the one that is stale", Assert.Throws<InvalidDataException>(() => Checkpoint.Open(folder.Root)).Message);
    }

    [Fact]
    public void A_single_file_has_tensors_but_no_configuration()
    {
        using var folder = ShardedModel();
        using var read = Checkpoint.Open(folder["1.safetensors"]);
        Assert.Equal([1f], read.Tensors["a"].ReadAll());
        Assert.Equal(folder.Root, read.Directory);
        Assert.StartsWith($"{folder["1.safetensors"]}: a single file has no config.json", Assert.Throws<InvalidDataException>(() => read.Config).Message);
        Assert.Equal($"Tensor 'z' is missing from {folder["1.safetensors"]}.", Assert.Throws<InvalidDataException>(() => read.Tensors["z"]).Message);
    }

    [Fact]
    public void A_file_cut_short_while_open_is_noticed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not let an open file be cut");
        using var folder = ShardedModel();
        using var read = Checkpoint.Open(folder["1.safetensors"]);
        using (var file = new FileStream(folder["1.safetensors"], FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(file.Length - 1);
        Assert.Equal([1f], read.Tensors["a"].ReadAll());
        var e = Assert.Throws<InvalidDataException>(() => read.Tensors["b"].ReadAll());
        Assert.Contains($"{folder["1.safetensors"]}: tensor 'b' ends at byte ", e.Message);
    }

    /// <summary>a and b in 1.safetensors, c in 2.safetensors.</summary>
    private static TemporaryFolder ShardedModel(string totalSize = "12")
    {
        var folder = new TemporaryFolder();
        folder.Write("config.json", "{}"u8);
        SafetensorsWriter.Write(folder["1.safetensors"], [StoredTensor.FromValues("a", [1f], 1), StoredTensor.FromValues("b", [2f], 1)]);
        SafetensorsWriter.Write(folder["2.safetensors"], [StoredTensor.FromValues("c", [3f], 1)]);
        folder.Write("model.safetensors.index.json", Encoding.UTF8.GetBytes(
            $$"""{"metadata":{"total_size":{{totalSize}}},"weight_map":{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"} }"""));
        return folder;
    }

    private static void Refused<T>(string path, string message) where T : Exception =>
        Assert.Equal(message, Assert.Throws<T>(() => Checkpoint.Open(path)).Message);
}
