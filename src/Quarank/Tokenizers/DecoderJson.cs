namespace Quarank.Tokenizers;

/// <summary>Reads the decoder of tokenizer.json.</summary>
internal static class DecoderJson
{
    private static readonly string[] Known = ["Sequence", "ByteLevel", "ByteFallback", "Fuse", "Metaspace", "Replace", "Strip"];

    /// <summary>A function that chains fresh steps before the given last one.</summary>
    public static Func<TextStage, DecoderStage> Read(JsonPart part)
    {
        List<Func<DecoderStage>> steps = [];
        bool fused = false;
        if (!part.Exists) steps.Add(() => new SpacedStage());
        else if (part["type"].Text() == "Sequence")
        {
            part.AllowOnly("type", "decoders");
            foreach (var item in part["decoders"].Items()) steps.Add(Step(item, ref fused));
        }
        else steps.Add(Step(part, ref fused));

        return end => Chain(steps, end);
    }

    /// <summary>Fresh steps, one handing to the next, and the last to <paramref name="end"/>.</summary>
    public static DecoderStage Chain(IReadOnlyList<Func<DecoderStage>> steps, DecoderStage end)
    {
        foreach (var make in steps.Reverse())
        {
            var stage = make();
            stage.Next = end;
            end = stage;
        }
        return end;
    }

    private static Func<DecoderStage> Step(JsonPart part, ref bool fused)
    {
        switch (part["type"].Text())
        {
            case "ByteLevel":
                part.AllowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
                return () => new ByteLevelStage();
            case "ByteFallback":
                part.AllowOnly("type");
                return () => new ByteFallbackStage();
            case "Fuse":
                part.AllowOnly("type");
                fused = true;
                return () => new PassingStage();
            case "Replace":
                var (pattern, content) = Normalizer.ReadReplace(part);
                // Within one fused piece a pattern could reach over the pieces that we hand on one by one.
                if (fused) throw part.Unsupported("Replace after Fuse", "Replace before Fuse");
                return () => new ReplaceStage(pattern, content);
            case "Strip":
                return Strip(part, fused);
            case "Metaspace":
                part.AllowOnly("type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
                string space = part["replacement"].Text();
                if (space.Length != 1) throw part["replacement"].Wrong("one character");
                string scheme = PreTokenizerJson.PrependScheme(part);
                return () => new MetaspaceStage(space, scheme != "never");
            case var type:
                throw part.Unsupported($"decoder '{type}'", Known);
        }
    }

    private static Func<DecoderStage> Strip(JsonPart part, bool fused)
    {
        part.AllowOnly("type", "content", "start", "stop");
        string content = part["content"].Text();
        int start = part["start"].Integer();
        if (content.Length != 1) throw part["content"].Wrong("one character");
        if (!fused || part["stop"].Integer() != 0)
            throw part.Unsupported("this Strip", "Strip at the start of the whole text (after Fuse, stop 0)");
        return () => new StripStartStage(content[0], start);
    }
}
