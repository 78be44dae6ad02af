using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;
using Quarank.Pipeline;
using Xunit;

namespace Quarank.Tests.Pipeline;

public class RecipeTests
{
    private const string Good = """
        {
          // three bits, GPTQ's own order
          "method": { "grid": { "bits": 3, "groupSize": 64 }, "method": "gptq", "damping": 0.02 },
          "calibration": { "paths": ["a.jsonl", "texts"], "samples": 8, "length": 512, "sampling": "documents", "seed": 5 },
          "propagate": "original",
          "order": "block",
          "seed": 7,
        }
        """;

    [Fact]
    public void A_recipe_says_the_same_as_its_record()
    {
        var recipe = Recipe.Parse(Good, "good.json");
        Assert.Equal(new Gptq(new GridFormat(3, 64), Damping: 0.02), recipe.Method);
        Assert.Equal(["a.jsonl", "texts"], recipe.Calibration.Paths);
        Assert.Equal((8, 512, Sampling.Documents, 5),
            (recipe.Calibration.Samples, recipe.Calibration.Length, recipe.Calibration.Sampling, recipe.Calibration.Seed));
        Assert.Equal((Propagation.Original, Order.Block, 7), (recipe.Propagate, recipe.Order, recipe.Seed));
    }

    [Fact]
    public void What_is_left_out_has_the_defaults_of_the_record()
    {
        const string json = """{ "method": { "method": "rtn", "grid": { "bits": 4 } }, "calibration": { "paths": ["a.txt"] } }""";
        var recipe = Recipe.Parse(json, "r.json");
        Assert.Equal((Propagation.Compressed, Order.Block, 0), (recipe.Propagate, recipe.Order, recipe.Seed));
        Assert.Equal((48, 2048, Sampling.Concatenate, "\n\n"),
            (recipe.Calibration.Samples, recipe.Calibration.Length, recipe.Calibration.Sampling, recipe.Calibration.Separator));
    }

    [Fact]
    public void Token_weights_are_the_methods_own_unless_the_recipe_says_others()
    {
        var recipe = Recipe.Parse(Good, "good.json");
        Assert.Equal([recipe.Method.PreferredWeights], recipe.Weighting().Wanted);
        var cut = Recipe.Parse(Good.Replace("\"seed\": 5", "\"tokenWeights\": \"cut\", \"normCut\": 2.5"), "cut.json");
        Assert.Equal((TokenWeights.Cut, 2.5), (Assert.Single(cut.Weighting().Wanted), cut.Weighting().NormCut));
        var wrong = recipe with { Calibration = recipe.Calibration with { NormCut = 2 } };
        Assert.Contains("goes with token weights \"cut\"", Assert.Throws<InvalidDataException>(wrong.Check).Message);
    }

    [Fact]
    public void Written_and_read_again_it_is_the_same()
    {
        string json = Recipe.Parse(Good, "good.json").ToJson();
        Assert.Equal(json, Recipe.Parse(json, "again.json").ToJson());
    }

    [Theory]
    [InlineData("\"seed\": 7", "\"sead\": 7", "key 'sead' is not known; known here: ", "propagate")]
    [InlineData("\"samples\"", "\"sample\"", "key 'calibration.sample' is not known; known here: ", "samples")]
    [InlineData("\"groupSize\"", "\"group\"", "key 'method.grid.group' is not known; known here: ", "groupSize")]
    [InlineData("\"seed\": 5", "\"tokenWeights\": \"heavy\"", "calibration.tokenWeights", "")]
    [InlineData("\"damping\"", "\"percdamp\"", "key 'method.percdamp' is not known; known here: ", "damping")]
    [InlineData("\"gptq\"", "\"gptqq\"", "method.method \"gptqq\" is not known", "rtn")]
    [InlineData("\"method\": \"gptq\",", "", "'method' needs a \"method\"", "gptq")]
    [InlineData("\"documents\"", "\"pages\"", "calibration.sampling", "")]
    [InlineData("\"samples\": 8", "\"samples\": \"8\"", "calibration.samples", "")]
    [InlineData("\"samples\": 8", "\"samples\": 8, \"samples\": 9", "samples", "")]
    [InlineData("\"bits\": 3,", "", "bits", "")]
    [InlineData("\"order\": \"block\"", "\"order\": 1", "order", "")]
    public void A_mistake_is_named_with_file_key_and_what_is_known(string good, string bad, string says, string alsoSays)
    {
        Assert.Contains(good, Good);
        string message = Assert.Throws<InvalidDataException>(() => Recipe.Parse(Good.Replace(good, bad), "bad.json")).Message;
        Assert.StartsWith("bad.json: ", message);
        Assert.Contains(says, message);
        Assert.Contains(alsoSays, message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{ \"method\": ")]
    [InlineData("{}")]
    public void What_is_no_recipe_is_refused(string json) =>
        Assert.StartsWith("x.json: ", Assert.Throws<InvalidDataException>(() => Recipe.Parse(json, "x.json")).Message);
}
