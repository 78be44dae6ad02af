namespace Quarank.Models.Architectures;

/// <summary>Mistral is Llama with a sliding window in every block.</summary>
internal static class Mistral
{
    public static ModelSpec Read(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config);
        return Windows.Same(Decoder.Read(config), config, Windows.Length(config, 4096)) with { Rotary = Rotary.Read(config) };
    }
}
