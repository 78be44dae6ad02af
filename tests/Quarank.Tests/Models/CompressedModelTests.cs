using System.Text.Json;
using System.Text.Json.Nodes;
using Quarank.Checkpoints;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

/// <summary>Checkpoints whose config says, under "quarank", which layers are stored in which form.</summary>
public class CompressedModelTests
{
    private const string Layer = "model.layers.1.mlp.up_proj";

    private readonly SomeLlama _tiny = SomeLlama.Build(30);

    [Fact]
    public void A_layer_listed_in_the_config_is_loaded_in_its_form()
    {
        var product = new ProductLinear(new DenseLinear(Some.Matrix(40, 3)), new DenseLinear(Some.Matrix(3, 24, 2)));
        var expected = _tiny.Load();
        expected.Blocks[1].Projections.Single(p => p.Name == Layer).Weight = product;

        var tensors = new StoredTensors();
        foreach (var t in _tiny.Tensors.All.Where(t => t.Name != Layer + ".weight")) tensors.Add(t.Name, t);
        product.Save(tensors.Under(Layer));
        using var folder = new TemporaryModel(_tiny, tensors.All, Section(1, Layer, JsonSerializer.SerializeToNode<LinearFormat>(product.Format, JsonSerializerOptions.Web)));
        using var checkpoint = folder.Open();
        var loaded = Model.Load(checkpoint);

        Assert.IsType<ProductLinear>(loaded.Blocks[1].Projections.Single(p => p.Name == Layer).Weight);
        var ids = _tiny.Ids(30);
        Assert.Equal(expected.Forward(ids).Data.ToArray(), loaded.Forward(ids).Data.ToArray());
    }

    [Theory]
    [InlineData("model.layers.1.mlp.side_proj", "side_proj")]
    [InlineData("model.layers.2.mlp.up_proj", "layers.2")]
    [InlineData("lm_tail", "lm_tail")]
    public void A_listed_layer_that_the_model_does_not_have_is_refused_by_name(string name, string complaint) =>
        Refused<InvalidDataException>(Section(1, name, new JsonObject { ["form"] = "dense" }), complaint);

    [Fact]
    public void A_form_that_is_not_known_is_refused_with_the_layers_name() =>
        Refused<InvalidDataException>(Section(1, Layer, new JsonObject { ["form"] = "spline" }), Layer);

    [Fact]
    public void A_form_with_a_key_that_means_nothing_is_refused_with_the_layers_name() =>
        Refused<InvalidDataException>(Section(1, Layer, new JsonObject { ["form"] = "dense", ["color"] = "blue" }), Layer);

    [Fact]
    public void A_later_version_of_the_section_is_refused() => Refused<NotSupportedException>(Section(4, Layer, new JsonObject()), "version 4");

    [Fact]
    public void A_section_without_layers_is_refused() => Refused<InvalidDataException>(new JsonObject { ["version"] = 1 }, "quarank.layers");

    [Fact]
    public void A_weight_of_another_shape_than_the_config_asks_for_is_refused_with_both()
    {
        var wrong = SomeLlama.Build(30, ("intermediate_size", 48));
        var e = Assert.Throws<InvalidDataException>(() => Model.Load(_tiny.Tensors, wrong.Config));
        Assert.Contains("model.layers.0.mlp.gate_proj.weight", e.Message, StringComparison.Ordinal);
        Assert.Contains("[48, 24]", e.Message, StringComparison.Ordinal);
        Assert.Contains("[40, 24]", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_bias_and_a_missing_head_are_refused_by_name()
    {
        var biased = SomeLlama.ConfigWith(("attention_bias", true));
        Assert.Contains("q_proj.bias", Assert.Throws<InvalidDataException>(() => Model.Load(_tiny.Tensors, biased)).Message, StringComparison.Ordinal);
        var tied = SomeLlama.Build(1, ("tie_word_embeddings", true));
        Assert.Contains("lm_head.weight", Assert.Throws<InvalidDataException>(() => Model.Load(tied.Tensors, _tiny.Config)).Message, StringComparison.Ordinal);
    }

    private void Refused<T>(JsonNode section, string complaint) where T : Exception
    {
        var config = SomeLlama.ConfigWith(("quarank", section));
        Assert.Contains(complaint, Assert.Throws<T>(() => Model.Load(_tiny.Tensors, config)).Message, StringComparison.Ordinal);
    }

    private static JsonObject Section(int version, string layer, JsonNode? format) =>
        new() { ["version"] = version, ["layers"] = new JsonObject { [layer] = format } };
}
