using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Tokenizers;

public class BytePairEncoderTests
{
    [Fact]
    public void Long_words_merge_as_short_ones_by_the_definition()
    {
        var random = new Random(4);
        for (int trial = 0; trial < 300; trial++)
        {
            // Some pairs share a rank, as pieces of equal score do.
            var table = new MergeTable(30);
            var merges = new Dictionary<(int, int), (int Rank, int Merged)>();
            for (int i = 0; i < 30; i++)
            {
                var pair = (random.Next(12), random.Next(12));
                merges[pair] = (random.Next(20), random.Next(4, 12));
                table.Add(pair.Item1, pair.Item2, merges[pair].Rank, merges[pair].Merged);
            }
            int[] word = [.. Enumerable.Range(0, random.Next(200)).Select(_ => random.Next(4))];
            int[] merged = [.. word];
            int count = LongWord.Merge(table, merged);
            Assert.Equal(ByDefinition(word, merges), merged[..count]);
        }
    }

    [Fact]
    public void Words_of_any_length_have_the_ids_of_the_definition()
    {
        var json = TinyTokenizers.ByteLevel("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""");
        var tokenizer = TinyTokenizers.Load(json);
        var merges = new Dictionary<(int, int), (int, int)>();
        int rank = 0;
        foreach (string merge in json["model"]!["merges"]!.AsArray().Select(m => m!.GetValue<string>()))
        {
            string[] parts = merge.Split(' ');
            merges[(tokenizer.TokenId(parts[0])!.Value, tokenizer.TokenId(parts[1])!.Value)] =
                (rank++, tokenizer.TokenId(parts[0] + parts[1])!.Value);
        }
        var random = new Random(5);
        for (int trial = 0; trial < 500; trial++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(150)).Select(_ => "thea  l's1é\n"[random.Next(12)]));
            int[] bytes = [.. System.Text.Encoding.UTF8.GetBytes(text).Select(b => (int)b)];
            Assert.Equal(ByDefinition(bytes, merges), tokenizer.Encode(text));
        }
    }

    [Fact]
    public void Cutting_at_spaces_leaves_the_ids_of_the_whole()
    {
        var vocabulary = new Vocabulary("test");
        string[] pieces = ["▁", "a", "b", "▁a", "▁▁", "ab", "▁ab", "ba", "▁▁▁▁", "<unk>"];
        for (int id = 0; id < pieces.Length; id++) vocabulary.Add(pieces[id], id);
        var merges = MergeList.Read(
            [("▁", "▁"), ("▁▁", "▁▁"), ("b", "a"), ("▁", "a"), ("a", "b"), ("▁a", "b")], vocabulary, "test", out bool spacesPart);
        Assert.True(spacesPart);
        var options = new BytePairOptions { Unknown = 9, FuseUnknown = true };
        var cut = new BytePairEncoder(vocabulary, merges, new(vocabulary, options), options, spacesPart: true);
        var whole = new BytePairEncoder(vocabulary, merges, new(vocabulary, options), options, spacesPart: false);

        var random = new Random(6);
        for (int trial = 0; trial < 2_000; trial++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(120)).Select(_ => "▁▁aab?"[random.Next(6)]));
            List<int> a = [], b = [];
            cut.Encode(text, a);
            whole.Encode(text, b);
            Assert.Equal(b, a);
        }
        MergeList.Read([("a", "▁")], Including(vocabulary, "a▁"), "test", out spacesPart);
        Assert.False(spacesPart);
    }

    [Fact]
    public void Threads_that_share_a_tokenizer_get_the_same_ids()
    {
        var tokenizer = TinyTokenizers.Load(TinyTokenizers.ByteLevel());
        var random = new Random(7);
        string[] texts = [.. Enumerable.Range(0, 64).Select(_ =>
            string.Concat(Enumerable.Range(0, 2_000).Select(_ => "the la12 's\n"[random.Next(11)])))];
        var alone = TinyTokenizers.Load(TinyTokenizers.ByteLevel());
        int[][] expected = [.. texts.Select(t => alone.Encode(t))];
        Parallel.For(0, 256, i => Assert.Equal(expected[i % 64], tokenizer.Encode(texts[i % 64])));
    }

    private static Vocabulary Including(Vocabulary vocabulary, string piece)
    {
        vocabulary.Add(piece, vocabulary.Count);
        return vocabulary;
    }

    // Again and again the leftmost of the pairs of the lowest rank.
    private static int[] ByDefinition(int[] word, Dictionary<(int, int), (int Rank, int Merged)> merges)
    {
        List<int> symbols = [.. word];
        while (true)
        {
            var best = Enumerable.Range(0, Math.Max(0, symbols.Count - 1))
                .Where(i => merges.ContainsKey((symbols[i], symbols[i + 1])))
                .OrderBy(i => merges[(symbols[i], symbols[i + 1])].Rank).ThenBy(i => i).Select(i => (int?)i).FirstOrDefault();
            if (best is not { } at) return [.. symbols];
            symbols[at] = merges[(symbols[at], symbols[at + 1])].Merged;
            symbols.RemoveAt(at + 1);
        }
    }
}
