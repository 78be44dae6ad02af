using System.Globalization;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics.Kernels;

namespace Quarank.Studies.Speed;

/// <summary>
/// How the layers of a synthetic model are stored, in a few letters: <c>f16</c>, <c>grid:4:128</c>, <c>codebook:4:row</c>,
/// <c>lordq:2</c>, or a sum of such, <c>grid:2:row+lordq:0.5</c>; <c>a8:grid:4:row</c> reads its input rounded to 8 bits a token.
/// </summary>
public sealed class SyntheticForm
{
    /// <summary>What can be written, for messages and help.</summary>
    public const string Grammar = "f16, bf16, f32, grid:BITS:GROUP, codebook:BITS:GROUP (GROUP a number or row; a grid also :symmetric or :number), "
        + "lattice:BITS, trellis:BITS, lordq:BITS-PER-WEIGHT, any of these with aBITS: before it for inputs rounded to so many bits (a8:grid:4:row), or a sum of them with +";

    private static readonly Dictionary<string, ElementType> Types = new(StringComparer.Ordinal)
    {
        ["f16"] = ElementType.F16,
        ["bf16"] = ElementType.BF16,
        ["f32"] = ElementType.F32,
    };

    private readonly List<Func<LayerShape, IReadOnlyList<LayerShape>, LinearFormat>> _terms = [];

    private SyntheticForm(string text) => Name = text;

    /// <summary>As it was written.</summary>
    public string Name { get; }

    /// <summary>The number type of what is dense.</summary>
    public ElementType Type { get; private set; } = ElementType.F16;

    /// <summary>Nothing but a dense matrix.</summary>
    public bool IsDense => _terms.Count == 1 && Types.ContainsKey(Name);

    /// <summary>Whether this is a grid of 4 bits, which others are set beside.</summary>
    public bool IsFourBitGrid => Name.StartsWith("grid:4:", StringComparison.Ordinal) && _terms.Count == 1;

    /// <exception cref="ArgumentException">The text says no form; the message says what would.</exception>
    public static SyntheticForm Parse(string text)
    {
        var form = new SyntheticForm(text);
        foreach (string term in text.Split('+'))
        {
            string[] words = term.Split(':');
            if (InputBits(words[0]) is not { } bits)
            {
                form.Add(words);
                continue;
            }
            if (words.Length == 1) throw form.Unknown();
            form.Add(words[1..]);
            var (inner, input) = (form._terms[^1], new InputGrid(bits));
            input.Validate();
            form._terms[^1] = (layer, all) => new QuantizedInputFormat(input, inner(layer, all));
        }
        return form;
    }

    /// <summary>The form of one layer.</summary>
    /// <param name="all">All layers that share a budget of bits per weight, this one among them.</param>
    /// <exception cref="ArgumentException">The layers cannot be stored so.</exception>
    public LinearFormat Of(LayerShape layer, IReadOnlyList<LayerShape> all)
    {
        List<LinearFormat> terms = [.. _terms.Select(t => t(layer, all))];
        return terms.Count == 1 ? terms[0] : new SumFormat(terms);
    }

    private void Add(string[] words)
    {
        if (words is [var type] && Types.TryGetValue(type, out var element))
        {
            Type = element;
            _terms.Add((_, _) => new DenseFormat());
        }
        else if (words is ["grid", var bits, var group, .. var rest] && Offset(rest) is { } offset) AddGrid(Whole(bits), Group(group), offset);
        else if (words is ["codebook", var codeBits, var codeGroup]) AddCodebook(Whole(codeBits), Group(codeGroup));
        else if (words is ["lattice", var latticeBits]) AddLattice(Whole(latticeBits));
        else if (words is ["trellis", var trellisBits]) AddTrellis(trellisBits);
        else if (words is ["lordq", var budget]) AddLordq(budget);
        else throw Unknown();
    }

    private void AddGrid(int bits, int group, GridOffset offset)
    {
        var format = new GridFormat(bits, group, offset);
        format.Validate();
        _terms.Add((_, _) => format);
    }

    private void AddCodebook(int bits, int group)
    {
        var format = new CodebookFormat(bits, group);
        format.Validate();
        _terms.Add((_, _) => format);
    }

    /// <summary>Rotated, as the method makes it.</summary>
    private void AddLattice(int bits)
    {
        new Lattice(bits).Validate();
        _terms.Add((_, _) => new TransformedFormat(new LatticeFormat(bits)));
    }

    /// <inheritdoc cref="AddLattice"/>
    private void AddTrellis(string bits)
    {
        if (!double.TryParse(bits, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)) throw Unknown();
        var method = new Trellis(number);
        method.Validate();
        _terms.Add((_, _) => new TransformedFormat(method.Format));
    }

    /// <summary>What LoRDQ makes of that budget over all layers: its ranks, its factors.</summary>
    private void AddLordq(string budget)
    {
        if (!double.TryParse(budget, NumberStyles.Float, CultureInfo.InvariantCulture, out double bits)) throw Unknown();
        var method = new Lordq(bits);
        method.Validate();
        Lordq? fitted = null;
        _terms.Add((layer, all) =>
        {
            fitted ??= (Lordq)method.Fit(all);
            var factor = new GridFormat(fitted.QBits, 0, GridOffset.Number, GridAxis.Rows, fitted.Scales);
            return new ProductFormat(fitted.RankFor(layer.Rows, layer.Columns), factor with { Bits = fitted.PBits, Axis = GridAxis.Columns }, factor);
        });
    }

    private static int? InputBits(string word) => word.Length == 2 && word[0] == 'a' && char.IsAsciiDigit(word[1]) ? word[1] - '0' : null;

    private static GridOffset? Offset(string[] words) => words switch
    {
        [] => GridOffset.ZeroPoint,
        ["symmetric"] => GridOffset.None,
        ["number"] => GridOffset.Number,
        _ => null,
    };

    private int Group(string word) => word == "row" ? 0 : Whole(word) is > 0 and var size ? size : throw Unknown();

    private int Whole(string word) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : throw Unknown();

    private ArgumentException Unknown() => new($"'{Name}' is no form; forms are {Grammar}.");
}
