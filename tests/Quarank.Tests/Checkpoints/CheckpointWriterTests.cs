using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Checkpoints;

public class CheckpointWriterTests
{
    private static readonly JsonElement Config = JsonElement.Parse("""{ "hidden_size": 8, "rms_norm_eps": 1e-05, "name": "é", "quarank": { "version": 0 } }""");

    private static StoredTensor[] Tensors =>
    [
        SafetensorsWriterTests.Tensor("embed", ElementType.BF16, [10, 8], 1),      // 160 bytes
        SafetensorsWriterTests.Tensor("block.0.weight", ElementType.F32, [8, 8], 2),    // 256
        SafetensorsWriterTests.Tensor("block.1.weight", ElementType.F32, [8, 8], 3),    // 256
        SafetensorsWriterTests.Tensor("block.1.codes", ElementType.U8, [8, 4], 4),      // 32
        SafetensorsWriterTests.Tensor("empty", ElementType.F16, [0, 3], 5),
    ];

    [Theory]
    [InlineData(1_000, 1), InlineData(704, 1), InlineData(703, 2), InlineData(416, 2), InlineData(300, 3), InlineData(160, 4), InlineData(1, 5)]
    public void A_folder_is_read_again_whatever_the_shards(long maxShardBytes, int files)
    {
        using var folder = new TemporaryFolder();
        new CheckpointWriter(Config, Tensors) { MaxShardBytes = maxShardBytes, Metadata = new Dictionary<string, string> { ["made"] = "here" } }
            .Write(folder["out"]);

        using var read = Checkpoint.Open(folder["out"]);
        Assert.Equal(files, Directory.GetFiles(folder["out"], "*.safetensors").Length);
        Assert.Equal(files == 1, File.Exists(Path.Combine(folder["out"], "model.safetensors")));
        Assert.Equal(files > 1, File.Exists(Path.Combine(folder["out"], "model.safetensors.index.json")));
        Assert.Equal(Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), read.Tensors.Names);
        Assert.All(Tensors, t => Assert.Equal(t.ReadBytes(), read.Tensors[t.Name].ReadBytes()));
        Assert.Equal(("pt", "here"), (read.Metadata["format"], read.Metadata["made"]));
        Assert.Equal(Directory.GetFiles(folder["out"], "*.safetensors").Sum(f => new FileInfo(f).Length), read.FileBytes);
        if (files > 1)
            Assert.Equal(704, JsonElement.Parse(File.ReadAllText(Path.Combine(folder["out"], "model.safetensors.index.json")))
                .GetProperty("metadata").GetProperty("total_size").GetInt64());
    }

    [Fact]
    public void The_same_contents_give_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in (string[])["a", "b"])
            new CheckpointWriter(Config, Tensors) { MaxShardBytes = 300, Section = new JsonObject { ["version"] = 1 } }
                .Write(folder[name]);
        string[] files = [.. Directory.GetFiles(folder["a"]).Select(f => Path.GetFileName(f))];
        Assert.Equal(5, files.Length);
        Assert.All(files, f => Assert.Equal(File.ReadAllBytes(Path.Combine(folder["a"], f)), File.ReadAllBytes(Path.Combine(folder["b"], f))));
    }

    [Fact]
    public void The_configuration_is_kept_but_for_our_section()
    {
        using var folder = new TemporaryFolder();
        new CheckpointWriter(Config, Tensors) { Section = new JsonObject { ["version"] = 1 } }.Write(folder["ours"]);
        new CheckpointWriter(Config, Tensors).Write(folder["plain"]);

        const string kept = "{\n  \"hidden_size\": 8,\n  \"rms_norm_eps\": 1e-05,\n  \"name\": \"é\"";
        Assert.Equal(kept + "\n}\n", File.ReadAllText(folder["plain/config.json"]));
        Assert.Equal(kept + ",\n  \"quarank\": {\n    \"version\": 1\n  }\n}\n", File.ReadAllText(folder["ours/config.json"]));
    }

    [Fact]
    public void The_small_files_of_a_model_are_copied_byte_for_byte()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["from"]);
        foreach (string name in CheckpointWriter.SmallFiles) folder.Write($"from/{name}", Encoding.UTF8.GetBytes($"{name}\r\n\0é"));
        folder.Write("from/notes.txt", "not part of a model"u8);
        new CheckpointWriter(Config, Tensors) { FilesFrom = folder["from"], Files = new Dictionary<string, byte[]> { ["report.json"] = [1, 2] } }
            .Write(folder["out"]);

        Assert.All(CheckpointWriter.SmallFiles,
                   n => Assert.Equal(File.ReadAllBytes(folder[$"from/{n}"]), File.ReadAllBytes(folder[$"out/{n}"])));
        Assert.Equal([1, 2], File.ReadAllBytes(folder["out/report.json"]));
        Assert.Equal(CheckpointWriter.SmallFiles.Count + 3, Directory.GetFiles(folder["out"]).Length);
    }

    [Fact]
    public void A_real_model_is_copied_to_equal_files()
    {
        string source = Shared.Find("golden", "arch", "llama");
        using var folder = new TemporaryFolder();
        using var model = Checkpoint.Open(source);
        new CheckpointWriter(model.Config, model.Tensors.All) { Metadata = model.Metadata }.Write(folder["copy"]);
        foreach (string name in (string[])["config.json", "model.safetensors"])
            Assert.Equal(File.ReadAllText(Path.Combine(source, name)).TrimEnd(), File.ReadAllText(folder[$"copy/{name}"]).TrimEnd());
    }

    [Fact]
    public void What_exists_is_refused_and_left_alone()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["empty"]);
        Directory.CreateDirectory(folder["full"]);
        folder.Write("full/mine.txt", "mine"u8);
        folder.Write("file", "mine"u8);

        new CheckpointWriter(Config, Tensors).Write(folder["empty"] + "/");
        Assert.True(File.Exists(folder["empty/config.json"]));
        foreach (string name in (string[])["full", "file", "empty"])
        {
            var e = Assert.Throws<IOException>(() => new CheckpointWriter(Config, Tensors).Write(folder[name]));
            Assert.Equal($"{folder[name]}: exists already; choose another name, or remove it first.", e.Message);
        }
        Assert.Equal(["mine.txt"], Directory.GetFileSystemEntries(folder["full"]).Select(f => Path.GetFileName(f)));
    }

    [Fact]
    public void A_disk_that_fills_at_any_file_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        int files = 0, created = 0;
        do
        {
            created = 0;
            var writer = new CheckpointWriter(Config, Tensors)
            {
                MaxShardBytes = 300,
                CreateFile = (path, _) => new SmallDisk(path, created++ < files ? 1 << 20 : 10),
            };
            var e = Assert.Throws<IOException>(() => writer.Write(folder["out"]));
            Assert.StartsWith($"{folder["out"]}: writing 704 bytes failed, nothing was left behind: No space left", e.Message);
            Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
        }
        while (++files < 5);
        Assert.Equal(5, created);   // three shards, the index, config.json
    }

    [Fact]
    public void What_a_killed_run_left_is_cleared_away()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder[".out.partial"]);
        folder.Write(".out.partial/model-00001-of-00009.safetensors", "half"u8);
        new CheckpointWriter(Config, Tensors).Write(folder["out"]);
        Assert.Equal([folder["out"]], Directory.GetFileSystemEntries(folder.Root));
        Assert.Equal(2, Directory.GetFiles(folder["out"]).Length);
    }
}
