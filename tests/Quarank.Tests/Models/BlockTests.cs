using System.Numerics.Tensors;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Models;

public class BlockTests
{
    private readonly SomeLlama _tiny = SomeLlama.Build(20, ("attention_bias", true));

    [Fact]
    public void The_observer_sees_each_site_once_and_in_order_with_what_its_layers_read()
    {
        var model = _tiny.Load();
        var seen = new List<(InputSite Site, Matrix<float> Inputs)>();
        var hidden = model.Embedding.Apply(_tiny.Ids(30));
        model.Blocks[0].Forward(hidden, (site, x) => seen.Add((site, x.Clone())));

        Assert.Equal(Enum.GetValues<SitePlace>(), seen.Select(s => s.Site.Place));
        foreach (var p in model.Blocks[0].Projections) Assert.Equal(p.Weight.Columns, seen.Single(s => s.Site == p.Site).Inputs.Columns);
        Assert.All(seen, s => Assert.Equal(30, s.Inputs.Rows));

        // What is left of the block after the last site is one product and a sum; so the sites are what the layers read.
        var rerun = model.Embedding.Apply(_tiny.Ids(30));
        var output = model.Blocks[0].Projections[3].Weight.Apply(seen[1].Inputs);
        var down = model.Blocks[0].Projections[6].Weight.Apply(seen[3].Inputs);
        for (int t = 0; t < 30; t++)
        {
            for (int i = 0; i < hidden.Columns; i++)
                Assert.Equal(rerun[t, i] + output[t, i] + model.Blocks[0].Projections[3].Bias![i] + down[t, i], hidden[t, i], 1e-5f);
        }
    }

    [Fact]
    public void Observe_shows_what_Forward_shows_and_leaves_the_hidden_states()
    {
        var block = _tiny.Load().Blocks[1];
        var hidden = Some.Matrix(25, _tiny.Spec.HiddenSize);
        var (observed, forwarded) = (new List<float[]>(), new List<float[]>());
        var before = hidden.Data.ToArray();
        block.Observe(hidden, (_, x) => observed.Add(x.Data.ToArray()));
        Assert.Equal(before, hidden.Data.ToArray());
        block.Forward(hidden, (_, x) => forwarded.Add(x.Data.ToArray()));
        Assert.Equal(forwarded, observed);
    }

    [Fact]
    public void Blocks_loaded_one_by_one_compute_what_the_model_does()
    {
        using var folder = new TemporaryModel(_tiny);
        using var checkpoint = folder.Open();
        var model = _tiny.Load();
        var ids = _tiny.Ids(40);

        var buffers = new ForwardBuffers(_tiny.Spec);
        var embedding = Model.LoadEmbedding(checkpoint, _tiny.Spec);
        var hidden = embedding.Apply(ids);
        for (int i = 0; i < _tiny.Spec.BlockCount; i++) Model.LoadBlock(checkpoint, _tiny.Spec, i, buffers).Forward(hidden);
        var head = Model.LoadHead(checkpoint, _tiny.Spec, embedding);
        Assert.Equal(model.Logits(model.Forward(ids)).Data.ToArray(), head.Logits(head.Finish(hidden)).Data.ToArray());
    }

    [Fact]
    public void A_projection_takes_any_layer_of_its_size_and_no_other()
    {
        var block = _tiny.Load().Blocks[0];
        var key = block.Projections[1];
        var hidden = Some.Matrix(5, _tiny.Spec.HiddenSize);
        var before = hidden.Clone();
        block.Forward(before);

        var halved = key.Weight.ToDense();
        TensorPrimitives.Multiply(halved.Data, 0.5f, halved.Data);
        key.Weight = new DenseLinear(halved);
        var after = hidden.Clone();
        block.Forward(after);
        Assert.NotEqual(before.Data.ToArray(), after.Data.ToArray());

        var e = Assert.Throws<ArgumentException>(() => key.Weight = new DenseLinear(Some.Matrix(3, 4)));
        Assert.Contains("model.layers.0.self_attn.k_proj", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_of_another_model_or_number_is_refused()
    {
        Assert.Throws<ArgumentException>(() => _tiny.Load().Blocks[0].Forward(Some.Matrix(3, 7)));
        using var folder = new TemporaryModel(_tiny);
        using var checkpoint = folder.Open();
        Assert.Throws<ArgumentOutOfRangeException>(() => Model.LoadBlock(checkpoint, _tiny.Spec, 2));
    }
}
