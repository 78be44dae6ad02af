namespace Quarank.Models.Architectures;

/// <summary>Mixtral is Mistral with experts: a router sends each token through the few that it scores highest.</summary>
internal static class Mixtral
{
    public static ModelSpec Read(ConfigReader config)
    {
        Switches.RefuseWhatWouldRunWrong(config, "num_local_experts");
        var spec = Windows.Same(Decoder.Read(config, epsilon: 1e-5), config, config.OptionalPositiveInt("sliding_window"));
        int experts = config.OptionalPositiveInt("num_local_experts") ?? 8, active = config.OptionalPositiveInt("num_experts_per_tok") ?? 2;
        if (active > experts)
            throw new InvalidDataException($"config.json: 'num_experts_per_tok' ({active}) must not exceed 'num_local_experts' ({experts}).");
        return spec with
        {
            Rotary = Rotary.Read(config, theta: 1e6),
            ExpertCount = experts,
            ExpertsPerToken = active,
            Names = new() { Mlp = "block_sparse_moe.", Gate = "w1", Up = "w3", Down = "w2" },
        };
    }
}
