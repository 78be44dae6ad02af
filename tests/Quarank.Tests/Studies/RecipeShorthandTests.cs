using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Pipeline;
using Quarank.Studies;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Studies;

public class RecipeShorthandTests
{
    private static readonly string Recipes = Path.Combine(Repository.Root, "recipes");

    [Fact]
    public void Commas_part_recipes_and_options_alike()
    {
        var parsed = RecipeShorthand.Parse(["gptq:bits=4,group=0,clip,lordq:k=3,p=3,compensation=false,propagate=original,rtn", "lordq-2bit"], Recipes);
        Assert.Equal(["gptq:bits=4,group=0,clip", "lordq:k=3,p=3,compensation=false,propagate=original", "rtn", "lordq-2bit"], parsed.Select(p => p.Name));
        Assert.Equal(new Gptq(new GridFormat(4), GridRange.Clip), parsed[0].Recipe.Method);
        Assert.Equal(new Lordq(Blocks: 3, PBits: 3, Compensation: false), parsed[1].Recipe.Method);
        Assert.Equal(Propagation.Original, parsed[1].Recipe.Propagate);
        Assert.Equal(new RoundToNearest(new GridFormat(3, 64)), parsed[2].Recipe.Method);
        Assert.Equal(Recipe.Load(Path.Combine(Recipes, "lordq-2bit.json")).Method, parsed[3].Recipe.Method);
    }

    [Fact]
    public void Any_option_of_a_recipe_can_be_given_by_its_name()
    {
        Assert.Equal(new Gptq(new GridFormat(2, 32, GridOffset.None), Damping: 0.1, ActOrder: true, StaticGroups: true),
            RecipeShorthand.One("gptq:bits=2,group=32,symmetric,damping=0.1,actOrder,staticGroups=true", null).Recipe.Method);
        Assert.Equal(new Incoherent(new Trellis(2.5, 12)), RecipeShorthand.One("trellis:bits=2.5,stateBits=12", null).Recipe.Method);
        Assert.Equal(new Incoherent(new Lattice(3, Passes: 2)), RecipeShorthand.One("lattice:bits=3,passes=2", null).Recipe.Method);
        Assert.Equal(new Caldera(16, 2, Start: CalderaStart.Outliers), RecipeShorthand.One("caldera:rank=16,bits=2,start=outliers", null).Recipe.Method);
        Assert.Equal(new LowRank(InputWeighting.Magnitude, 6.4, Power: 0.5), RecipeShorthand.One("asvd:bits=6.4", null).Recipe.Method);
        Assert.Equal(new LowRank(Rank: 20, ResidualShare: 0.25), RecipeShorthand.One("res-svd:rank=20", null).Recipe.Method);
        Assert.Equal(new Lplr(3, Parts: 2), RecipeShorthand.One("lplr:bits=3,parts=2", null).Recipe.Method);
        Assert.Equal(new Corrected(new Gptq(new(2, 64), GridRange.Clip), Rank: 16, FactorBits: 4), RecipeShorthand.One("gptq:bits=2,clip,eora=16,factorBits=4", null).Recipe.Method);
        Assert.Equal(new Corrected(new Incoherent(new Lattice()), InputWeighting.Rms, Rounds: 2), RecipeShorthand.One("lattice:bits=2,qera-approx,rounds=2", null).Recipe.Method);
        Assert.Equal(new RoundedInputs(new Gptq(new GridFormat(4, 0, GridOffset.None)), new(8, 128)), RecipeShorthand.One("gptq:bits=4,group=0,symmetric,inputs=8,inputGroup=128", null).Recipe.Method);
        Assert.Equal(new Lrc(new Gptq(new GridFormat(4, 0), GridRange.Clip), new(4), 0.3, LrcRank.Width, Iterations: 5, Clip: null),
            RecipeShorthand.One("lrc:bits=4,group=0,clip,rank=0.3,rankOf=width,iterations=5,inputClip=search", null).Recipe.Method);
        Assert.Equal(new Awq(new RoundedInputs(new RoundToNearest(new(8, 0, GridOffset.None), GridRange.Output), new(8, Static: true), null)),
            RecipeShorthand.One("awq:bits=8,group=0,symmetric,inputs=8,inputStatic,inputClip=search", null).Recipe.Method);
        Assert.Equal(new Lordq(2.5, QBits: 16), RecipeShorthand.One("lordq:bits=2.5,q=16", null).Recipe.Method);
    }

    [Fact]
    public void A_plus_puts_a_method_around_the_one_before_it()
    {
        var parsed = RecipeShorthand.Parse(["gptq:bits=4,group=0,clip+exact:directions=4,columns=2,damping=0.1,rtn+incoherent,lordq+exact"], Recipes);
        Assert.Equal(["gptq:bits=4,group=0,clip+exact:directions=4,columns=2,damping=0.1", "rtn+incoherent", "lordq+exact"], parsed.Select(p => p.Name));
        // An option that the method around does not have is that of the one inside.
        Assert.Equal(new Exact(new Gptq(new GridFormat(4), GridRange.Clip, Damping: 0.1), 4, 2), parsed[0].Recipe.Method);
        Assert.Equal(new Incoherent(new RoundToNearest(new GridFormat(3, 64))), parsed[1].Recipe.Method);
        Assert.Equal(new Exact(new Lordq(), 1), parsed[2].Recipe.Method);
        Assert.Equal(new Incoherent(new Gptq(new GridFormat(3, 64), Damping: 0.5)), RecipeShorthand.One("incoherent:inner.damping=0.5", null).Recipe.Method);
        Assert.Equal(["gptq:clip,eora,factorBits=4", "rtn", "gptq:clip,eora=8"], RecipeShorthand.Parse(["gptq:clip,eora,factorBits=4,rtn,gptq:clip,eora=8"], Recipes).Select(p => p.Name));
        Assert.Equal(RecipeShorthand.One("gptq:clip,eora=8,factorBits=4", null).Recipe.Method, RecipeShorthand.One("gptq:clip+eora:rank=8,factorBits=4", null).Recipe.Method);
        Assert.Equal(Propagation.Original, RecipeShorthand.One("gptq:propagate=original+exact", null).Recipe.Propagate);
        Assert.Contains("'magic'", Assert.Throws<InvalidDataException>(() => RecipeShorthand.One("gptq+magic", null)).Message);
    }

    [Fact]
    public void Every_method_that_recipes_know_begins_a_shorthand()
    {
        foreach (string method in ShorthandTable.Methods) RecipeShorthand.One(method, null).Recipe.Method.Validate();
        Assert.Empty(RecipeJson.Options.GetTypeInfo(typeof(Quarank.Compression.Method)).PolymorphismOptions!.DerivedTypes
            .Select(d => (string)d.TypeDiscriminator!).Except(ShorthandTable.Methods));
    }

    [Fact]
    public void The_best_recipe_is_another_one_at_every_size_and_there_is_one_for_each()
    {
        var best = RecipeShorthand.Parse(["best,rtn"], Recipes)[0];
        Assert.All(Presets.All, p => Assert.Equal(RecipeShorthand.One(p.Recipe, null).Recipe.Method, best.At(p.From).Method));
        Assert.All(Presets.All.Zip(Presets.All.Skip(1)), p => Assert.Equal(p.First.To, p.Second.From));
        Assert.Contains("from 1.9 to 8.5", Assert.Throws<InvalidDataException>(() => best.At(1)).Message);
    }

    [Theory]
    [InlineData("gptq:colour=3", "key 'method.colour' is not known")]
    [InlineData("gptq:bits=many", "bits")]
    [InlineData("magic", "'magic' is no recipe")]
    [InlineData("magic", "gptq-w3g64")]
    [InlineData("missing.json", "begin with a method (rtn, gptq")]
    [InlineData("rtn,rtn", "'rtn' is given twice")]
    [InlineData(",", "No recipe")]
    public void What_is_no_recipe_is_refused_with_what_would_be(string list, string message) =>
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => RecipeShorthand.Parse([list], Recipes)).Message);

    [Theory]
    [InlineData("gptq:bits=3,group=64,clip", "gptq, 3 bits, groups of 64, clip")]
    [InlineData("rtn:bits=2,group=0,symmetric", "rtn, 2 bits, rows, symmetric")]
    [InlineData("lordq:bits=2.5,k=1,compensation=false", "lordq, 2.5 bits, blocks 1, no compensation")]
    [InlineData("lattice:bits=3,eora=16,factorBits=4,rounds=1", "lattice, 3 bits + incoherent + eora rank 16, 4-bit factors, 1 rounds more")]
    [InlineData("svd-llm:bits=6", "low-rank, 6 bits")]
    [InlineData("gptq:actOrder,group=0,damping=0.1", "gptq, 3 bits, rows, damping 0.1, actOrder")]
    [InlineData("lattice:bits=3,passes=2", "lattice, 3 bits, passes 2 + incoherent")]
    [InlineData("caldera:rank=8,outliers", "caldera, rank 8, 2 bits, start outliers")]
    [InlineData("gptq:bits=3,group=0,clip+exact:directions=4", "gptq, 3 bits, rows, clip + exact, directions 4")]
    public void A_method_is_told_by_its_size_and_by_what_is_unusual(string word, string text) =>
        Assert.Equal(text, ComparisonText.Describe(RecipeShorthand.One(word, null).Recipe));
}
