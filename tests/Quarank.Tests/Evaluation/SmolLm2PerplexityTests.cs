using System.Runtime.Intrinsics;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Evaluation;
using Quarank.Models;
using Quarank.Tests.Support;
using Quarank.Tokenizers;
using Xunit;

namespace Quarank.Tests.Evaluation;

public class SmolLm2PerplexityTests
{
    [Fact]
    public void The_first_segment_of_WikiText_2_has_the_loss_that_PyTorch_finds()
    {
        Assert.SkipUnless(Vector256.IsHardwareAccelerated, "2,048 tokens through SmolLM2 take minutes without vector instructions");
        string text = File.ReadAllText(Shared.Find("data", "wikitext-2-raw", "wiki.test.raw"));
        var golden = JsonDocument.Parse(File.ReadAllText(Shared.Find("golden", "smollm2-135m-instruct", "prompts.json"))).RootElement
            .GetProperty("wikitext2_test_raw_file");
        string folder = SmolLm2.Folder();
        var ids = Tokenizer.Load(folder).Encode(text);
        Assert.Equal(golden.GetProperty("tokens").GetInt32(), ids.Length);
        Assert.Equal(golden.GetProperty("first_ids").EnumerateArray().Select(e => e.GetInt32()), ids.Take(16));

        using var checkpoint = Checkpoint.Open(folder);
        var result = Perplexity.OfSegments(Model.Load(checkpoint), ids, 2048, segments: 1);
        // Both sides compute in float32; the perplexity of all eight segments is asked to agree within 0.01 of 19.23.
        Assert.Equal(golden.GetProperty("mean_nll_of_each")[0].GetDouble(), result.MeanLoss, 2e-4);
        Assert.Equal(2047, result.Tokens);
    }
}
