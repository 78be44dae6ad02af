using FsCheck;
using FsCheck.Fluent;
using Quarank.Checkpoints;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Checkpoints;

public class SafetensorsWriterTests
{
    [Fact]
    public void What_is_written_is_read_again()
    {
        using var folder = new TemporaryFolder();
        var tensors = from type in Gen.Elements(Enum.GetValues<ElementType>())
                      from shape in Gen.Choose(0, 4).Select(d => (long)d).ListOf().Where(s => s.Count <= 4)
                      from name in ArbMap.Default.GeneratorFor<NonNull<string>>()
                      from seed in Gen.Choose(0, int.MaxValue)
                      where IsText(name.Get) && name.Get != "__metadata__"
                      select Tensor(name.Get, type, [.. shape], seed);
        Prop.ForAll(tensors.ListOf().Select(l => l.DistinctBy(t => t.Name).ToList()).ToArbitrary(), written =>
        {
            var metadata = written.ToDictionary(t => t.Name + "?", t => t.Name);
            SafetensorsWriter.Write(folder["x.safetensors"], written, metadata);
            using var file = Safetensors.Open(folder["x.safetensors"]);

            Assert.Equal(metadata, file.Metadata);
            Assert.Equal(written.Count, file.Tensors.Count);
            foreach (var (w, r) in written.OrderBy(t => t.Name, StringComparer.Ordinal).Zip(file.Tensors.OrderBy(t => t.Name, StringComparer.Ordinal)))
            {
                Assert.Equal((w.Name, w.Type), (r.Name, r.Type));
                Assert.Equal(w.Shape, r.Shape);
                Assert.Equal(w.ReadBytes(), r.ReadBytes());
            }
            Assert.Equal([folder["x.safetensors"]], Directory.GetFiles(folder.Root));
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("llama"), InlineData("gemma3"), InlineData("mixtral")]
    public void The_bytes_are_those_of_the_reference_writer(string name)
    {
        string path = Shared.Find("golden", "arch", name, "model.safetensors");
        using var folder = new TemporaryFolder();
        using var model = Safetensors.Open(path);
        SafetensorsWriter.Write(folder["copy.safetensors"], model.Tensors.Reverse(), model.Metadata);
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(folder["copy.safetensors"]));
    }

    [Fact]
    public void Elements_are_aligned_and_the_header_is_padded()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in (string[])["a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"])
        {
            SafetensorsWriter.Write(folder["x.safetensors"],
                [StoredTensor.FromValues("z", [1f], 1), StoredTensor.FromValues(name, new byte[] { 7 }, 1), StoredTensor.FromValues("y", [2.0], 1)]);
            byte[] bytes = File.ReadAllBytes(folder["x.safetensors"]);
            Assert.Equal(0, BitConverter.ToInt64(bytes) % 8);
            Assert.Equal([.. BitConverter.GetBytes(2.0), .. BitConverter.GetBytes(1f), 7], bytes[(8 + (int)BitConverter.ToInt64(bytes))..]);
        }
    }

    [Fact]
    public void Two_tensors_of_one_name_are_refused()
    {
        using var folder = new TemporaryFolder();
        var twice = new[] { StoredTensor.FromValues("a", [1f], 1), StoredTensor.FromValues("a", [2.0], 1) };
        Assert.Contains("'a' is taken", Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder["x"], twice)).Message);
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder["x"], [StoredTensor.FromValues("__metadata__", [1f], 1)]));
        Assert.Empty(Directory.GetFiles(folder.Root));
    }

    [Fact]
    public void A_disk_that_fills_leaves_the_old_file_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("x.safetensors", "old"u8);
        var tensors = new[] { StoredTensor.FromValues("a", new float[100_000], 100_000) };
        for (int room = 0; room < 400_000; room += 70_001)
        {
            var e = Assert.Throws<IOException>(() =>
                SafetensorsWriter.Write(path, tensors, null, (p, _) => new SmallDisk(p, room), CancellationToken.None));
            Assert.Matches(@"x\.safetensors: writing 4000\d\d bytes failed, nothing was left behind: No space", e.Message);
            Assert.Equal([path], Directory.GetFiles(folder.Root));
            Assert.Equal("old", File.ReadAllText(path));
        }
    }

    [Fact]
    public void A_full_device_is_one_clear_line()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs /dev/full, which only Linux has");
        using var folder = new TemporaryFolder();
        var e = Assert.Throws<IOException>(() => SafetensorsWriter.Write(folder["x"], [StoredTensor.FromValues("a", new byte[9], 9)], null,
            (_, _) => new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0), CancellationToken.None));
        Assert.StartsWith(folder["x"], e.Message);
        Assert.Contains("No space left", e.Message);
        Assert.DoesNotContain('\n', e.Message);
        Assert.Empty(Directory.GetFiles(folder.Root));
    }

    [Fact]
    public void A_folder_that_does_not_exist_is_one_clear_line()
    {
        using var folder = new TemporaryFolder();
        var e = Assert.Throws<IOException>(() => SafetensorsWriter.Write(folder["no/x"], [StoredTensor.FromValues("a", [1f], 1)]));
        Assert.StartsWith(folder["no/x"], e.Message);
    }

    [Fact]
    public void A_cancelled_writing_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<OperationCanceledException>(() =>
            SafetensorsWriter.Write(folder["x"], [StoredTensor.FromValues("a", [1f], 1)], cancel: new CancellationToken(canceled: true)));
        Assert.Empty(Directory.GetFiles(folder.Root));
    }

    internal static StoredTensor Tensor(string name, ElementType type, long[] shape, int seed)
    {
        var bytes = new byte[shape.Aggregate(1L, (a, b) => a * b) * type.Size()];
        new Random(seed).NextBytes(bytes);
        return StoredTensor.FromBytes(name, type, bytes, shape);
    }

    private static bool IsText(string s) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(s)) == s;
}
