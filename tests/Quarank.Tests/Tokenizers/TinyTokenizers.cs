using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Tokenizers;

namespace Quarank.Tests.Tokenizers;

/// <summary>Small tokenizers made up for tests, written as the files that are read.</summary>
internal static class TinyTokenizers
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// All 256 bytes (ids 0 to 255 in the order of their values), a few merges and one special token, &lt;|end|&gt;.
    /// </summary>
    public static JsonObject ByteLevel(string preTokenizer = """{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}""")
    {
        List<string> pieces = [.. Enumerable.Range(0, 256).Select(b => ByteCharacters.Of((byte)b).ToString())];
        var merges = new JsonArray();
        string[] list = ["t h", "th e", "Ġ the", "Ġ t", "a a", "aa aa", "Ġ Ġ", "Ã ©", "l l", "' s", "1 2", "Ċ Ċ"];
        foreach (string merge in list)
        {
            merges.Add(merge);
            pieces.Add(merge.Replace(" ", ""));
        }
        return new()
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(Added(pieces.Count, "<|end|>", special: true)),
            ["normalizer"] = null,
            ["pre_tokenizer"] = JsonNode.Parse(preTokenizer),
            ["post_processor"] = null,
            ["decoder"] = JsonNode.Parse("""{"type":"ByteLevel"}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = null,
                ["vocab"] = Vocabulary(pieces),
                ["merges"] = merges,
            },
        };
    }

    public static JsonObject Added(int id, string content, bool special = false, bool lstrip = false, bool rstrip = false,
        bool singleWord = false, bool normalized = false) => new()
        {
            ["id"] = id,
            ["content"] = content,
            ["special"] = special,
            ["lstrip"] = lstrip,
            ["rstrip"] = rstrip,
            ["single_word"] = singleWord,
            ["normalized"] = normalized,
        };

    public static JsonObject Vocabulary(IEnumerable<string> pieces) =>
        new(pieces.Select((piece, id) => KeyValuePair.Create(piece, (JsonNode?)id)));

    public static string Text(JsonObject json) => json.ToJsonString(Plain);

    public static Tokenizer Load(JsonObject json) => Load("tokenizer.json", Encoding.UTF8.GetBytes(Text(json)));

    /// <summary>Writes the file into a folder of its own, reads it, and takes the folder away again.</summary>
    public static Tokenizer Load(string name, byte[] content, params (string Name, string Text)[] others)
    {
        var folder = Directory.CreateTempSubdirectory("quarank-tokenizer-");
        try
        {
            File.WriteAllBytes(Path.Combine(folder.FullName, name), content);
            foreach (var (other, text) in others) File.WriteAllText(Path.Combine(folder.FullName, other), text);
            return Tokenizer.Load(folder.FullName);
        }
        finally { folder.Delete(recursive: true); }
    }

    /// <summary>
    /// A tokenizer.model: pieces with score and type, and the fields of trainer and normalizer as (number, value).
    /// </summary>
    public static byte[] SentencePiece(
        IEnumerable<(string Text, float Score, int Type)> pieces,
        (int, object)[]? trainer = null,
        (int, object)[]? normalizer = null)
    {
        var model = new List<byte>();
        foreach (var (text, score, type) in pieces) model.AddRange(Message(1, (1, text), (2, score), (3, type)));
        model.AddRange(Message(2, trainer ?? [(3, 2)]));
        model.AddRange(Message(3, normalizer ?? [(1, "identity")]));
        return [.. model];
    }

    /// <summary>Letters a to e, ▁, some merges of them, and the usual unknown and control pieces; no byte fallback.</summary>
    public static (string Text, float Score, int Type)[] SomePieces() =>
    [
        ("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3),
        ("▁a", -1, 1), ("ab", -2, 1), ("▁ab", -3, 1), ("cd", -2, 1), ("abcd", -4, 1),
        ("▁", -10, 1), ("a", -11, 1), ("b", -12, 1), ("c", -13, 1), ("d", -14, 1), ("e", -15, 1), ("ex", -5, 1),
    ];

    private static byte[] Message(int field, params (int, object)[] fields)
    {
        var content = new List<byte>();
        foreach (var (number, value) in fields)
        {
            switch (value)
            {
                case string text: Bytes(number, Encoding.UTF8.GetBytes(text)); break;
                case byte[] bytes: Bytes(number, bytes); break;
                case float single:
                    content.Add((byte)(number << 3 | 5));
                    byte[] four = new byte[4];
                    BinaryPrimitives.WriteSingleLittleEndian(four, single);
                    content.AddRange(four);
                    break;
                case int integer:
                    Variable(content, number << 3);
                    Variable(content, integer);
                    break;
            }
        }
        var message = new List<byte>();
        Variable(message, field << 3 | 2);
        Variable(message, content.Count);
        return [.. message, .. content];

        void Bytes(int number, byte[] bytes)
        {
            Variable(content, number << 3 | 2);
            Variable(content, bytes.Length);
            content.AddRange(bytes);
        }
    }

    private static void Variable(List<byte> to, int value)
    {
        uint rest = (uint)value;
        for (; rest > 127; rest >>= 7) to.Add((byte)(rest | 128));
        to.Add((byte)rest);
    }
}
