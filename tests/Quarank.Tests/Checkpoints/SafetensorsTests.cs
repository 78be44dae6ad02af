using System.Buffers.Binary;
using System.Text;
using Quarank.Checkpoints;
using Xunit;

namespace Quarank.Tests.Checkpoints;

public class SafetensorsTests
{
    private const string Good = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}""";

    [Theory]
    [InlineData(Good)]
    [InlineData(Good + "      ")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3,1],"data_offsets":[0,12]}}""")]
    [InlineData("""{"a":{"shape":[],"data_offsets":[0,8],"dtype":"F64"},"e":{"dtype":"F16","shape":[5,0],"data_offsets":[8,8]},"z":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}""")]
    [InlineData("""{"__metadata__":{"format":"pt","note":"\u00e9"},"a":{"dtype":"BOOL","shape":[12],"data_offsets":[0,12]}}""")]
    [InlineData("""{"e":{"dtype":"F16","shape":[9223372036854775807,9223372036854775807,0],"data_offsets":[0,0]},"a":{"dtype":"I8","shape":[12],"data_offsets":[0,12]}}""")]
    public void Every_legal_header_is_read(string header)
    {
        using var folder = new TemporaryFolder();
        using var file = Safetensors.Open(folder.Write("x.safetensors", File(header, 12)));
        Assert.Equal(12, file.Tensors.Sum(t => t.ByteLength));
        Assert.Equal(header.Contains("__metadata__") ? 2 : 0, file.Metadata.Count);
    }

    [Theory]
    [InlineData("""["a"]""", "does not start with '{'")]
    [InlineData(" " + Good, "does not start with '{'")]
    [InlineData("""{"a":{"dtype":"F32",}}""", "not valid JSON")]
    [InlineData(Good + "x", "not valid JSON")]
    [InlineData(Good + Good, "not valid JSON")]
    [InlineData("""{"a":""", "not valid JSON")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "not valid Unicode")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}""", "'a' is listed twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"\u0061":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}""", "'a' is listed twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12],"shape":[3]}}""", "'shape' is listed twice")]
    [InlineData("""{"a":{"dtype":"F31","shape":[3],"data_offsets":[0,12]}}""", "dtype 'F31' is unknown; known: F64, F32")]
    [InlineData("""{"a":{"dtype":32,"shape":[3],"data_offsets":[0,12]}}""", "expected dtype as a string, found a number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-3],"data_offsets":[0,12]}}""", "in shape, found '-3'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3.5],"data_offsets":[0,12]}}""", "in shape, found '3.5'")]
    [InlineData("""{"a":{"dtype":"F32","shape":["3"],"data_offsets":[0,12]}}""", "in shape, found a string")]
    [InlineData("""{"a":{"dtype":"F32","shape":3,"data_offsets":[0,12]}}""", "expected shape as an array, found a number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[18446744073709551619],"data_offsets":[0,12]}}""", "found '18446744073709551619'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,12]}}""", "more than 2⁶³ bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387907],"data_offsets":[0,12]}}""", "more than 2⁶³ bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[-1,11]}}""", "in data_offsets, found '-1'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[12,0]}}""", "end at 0, before they begin at 12")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,6,12]}}""", "expected two data_offsets, found 3")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}}""", "needs 16 bytes for F32 [4], its data_offsets [0, 12] hold 12")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "ends at 16, but the file holds 12 bytes of data")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "the tensors end at 8, but the file holds 12")]
    [InlineData("""{}""", "the tensors end at 0, but the file holds 12")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", "begins at 4, 4 unused bytes after the start")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}""", "'b' begins at 8, 4 unused bytes after tensor 'a'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}}""", "'b' begins at 4 and overlaps tensor 'a', which ends at 8")]
    [InlineData("""{"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]},"b":{"dtype":"U8","shape":[0],"data_offsets":[5,5]}}""", "'b' begins at 5 and overlaps tensor 'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3]}}""", "'data_offsets' is missing")]
    [InlineData("""{"a":{"shape":[3],"data_offsets":[0,12]}}""", "'dtype' is missing")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12],"strides":[1]}}""", "found 'strides'")]
    [InlineData("""{"a":[1]}""", "expected an object, found an array")]
    [InlineData("""{"__metadata__":{"n":1}}""", "__metadata__ 'n': expected a string, found a number")]
    [InlineData("""{"__metadata__":"pt"}""", "__metadata__: expected an object of strings, found a string")]
    [InlineData("""{"__metadata__":{"n":"1","n":"2"}}""", "__metadata__ 'n' is listed twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", "__metadata__ is listed twice")]
    [InlineData("""{"a\nb":{"dtype":"F31","shape":[3],"data_offsets":[0,12]}}""", "tensor 'a?b'")]
    public void Every_lie_in_a_header_is_refused_by_name(string header, string message)
    {
        using var folder = new TemporaryFolder();
        Refused(folder.Write("x.safetensors", File(header, 12)), message);
    }

    [Fact]
    public void Every_lie_about_the_length_is_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] good = File(Good, 12);
        for (int n = 0; n < 8; n++) Refused(folder.Write("x.safetensors", good.AsSpan(0, n)), $"the file has {n} bytes");
        for (int n = 8; n < good.Length; n++) Refused(folder.Write("x.safetensors", good.AsSpan(0, n)), "cut short");

        foreach (ulong length in (ulong[])[100_000_001, long.MaxValue, ulong.MaxValue])
        {
            BinaryPrimitives.WriteUInt64LittleEndian(good, length);
            Refused(folder.Write("x.safetensors", good), $"the header claims {length} bytes, at most 100000000");
        }
        Refused(folder.Write("x.safetensors", File(Good, 13)), "the tensors end at 12, but the file holds 13");
    }

    [Fact]
    public void A_header_that_is_not_UTF8_is_refused()
    {
        byte[] bytes = File(Good, 12);
        bytes[8 + 2] = 0xC3;
        using var folder = new TemporaryFolder();
        Refused(folder.Write("x.safetensors", bytes), "not valid UTF-8");
    }

    [Theory]
    [InlineData("F4"), InlineData("F8_E8M0"), InlineData("C64")]
    public void Types_of_other_programs_are_not_supported_and_named(string type)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("x.safetensors", File("""{"a":{"dtype":"X","shape":[12],"data_offsets":[0,12]}}""".Replace("X", type), 12));
        var e = Assert.Throws<NotSupportedException>(() => Safetensors.Open(path));
        Assert.Equal($"{path}: tensor 'a': dtype {type} is not supported; supported: F64, F32, F16, BF16, I64, I32, I16, I8, " +
                     "U64, U32, U16, U8, BOOL, F8_E4M3, F8_E5M2.", e.Message);
    }

    [Fact]
    public void Damaged_files_are_refused_or_read_and_nothing_else()
    {
        byte[] good = File("""{"__metadata__":{"format":"pt"},"w":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},"é":{"dtype":"U8","shape":[4],"data_offsets":[12,16]}}""", 16);
        using var folder = new TemporaryFolder();
        var random = new Random(7);
        int refused = 0;
        for (int trial = 0; trial < 2500; trial++)
        {
            byte[] bytes = (byte[])good.Clone();
            // Every bit of the header once, then several wrong bytes at once, then also a wrong length of the file.
            if (trial < (good.Length - 16) * 8) bytes[trial / 8] ^= (byte)(1 << (trial % 8));
            else
                for (int i = random.Next(1, 5); i > 0; i--) bytes[random.Next(8, good.Length - 16)] = Interesting[random.Next(Interesting.Length)];
            if (trial > 2000) Array.Resize(ref bytes, random.Next(bytes.Length + 9));

            string path = folder.Write("x.safetensors", bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var file = Safetensors.Open(path);
                foreach (var t in file.Tensors) Assert.Equal(t.ByteLength, t.ReadBytes().Length);
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith(path, e.Message);
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20, $"trial {trial} allocated more than a megabyte");
        }
        Assert.InRange(refused, 1800, 2499);   // some flips only rename a tensor
    }

    private static byte[] Interesting => "{}[]\",:0129-+.eE\\u \n\0\u007f"u8.ToArray();

    private static void Refused(string path, string message)
    {
        var e = Assert.Throws<InvalidDataException>(() => Safetensors.Open(path));
        Assert.StartsWith(path + ": ", e.Message);
        Assert.Contains(message, e.Message);
        System.IO.File.Delete(path);   // fails on some systems while a handle is open
    }

    private static byte[] File(string header, int dataBytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header), bytes = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        return bytes;
    }
}
