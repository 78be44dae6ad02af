namespace Quarank.Models.Architectures;

/// <summary>Phi-3 and Phi-4 are Llama with fused projections, a window if the config has one, and rotations for long texts.</summary>
internal static class Phi3
{
    public static ModelSpec Read(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config, "partial_rotary_factor");
        var spec = Windows.Same(Decoder.Read(config, epsilon: 1e-5), config, config.OptionalPositiveInt("sliding_window"));
        return spec with { Rotary = Rotary.ReadPartial(config, spec.HeadSize), FusedProjections = true };
    }
}
