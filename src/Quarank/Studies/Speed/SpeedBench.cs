using Quarank.Checkpoints;
using Quarank.Models;
using Quarank.Numerics;

namespace Quarank.Studies.Speed;

/// <summary>Measures how fast models read prompts and generate, each figure beside its limit: <c>quarank bench</c>.</summary>
public static class SpeedBench
{
    private const int WarmUpTokens = 16, TokenRounds = 5;

    /// <param name="models">Names and folders. All are loaded together and measured by turns.</param>
    /// <param name="tokenTimes">Whether to measure where a token's time goes.</param>
    /// <exception cref="InvalidDataException">The models do not fit memory together, or a test does not fit a model's context.</exception>
    public static SpeedReport Run(
        IReadOnlyList<(string Name, string Folder)> models, SpeedRequest request, bool tokenTimes, IProgress<SpeedProgress>? progress = null,
        CancellationToken cancel = default)
    {
        Refuse(models.Select(m => m.Folder), request);
        var steps = new SpeedSteps(models.Count, request, tokenTimes, progress, cancel);
        var peaks = models.Select(m => steps.Load($"loading {m.Name}", () => Peak(m.Folder, request))).ToList();
        var loaded = models.Select(m => steps.Load($"loading {m.Name}", () => Load(m.Name, m.Folder, request))).ToList();
        var memory = new ReadLimit();
        var rounds = new SpeedRounds(request, memory);
        var machine = Machine(memory, rounds, loaded[0].Model, request);

        for (int round = 0; round < request.Repetitions; round++)
            foreach (var (counted, model) in loaded)
                foreach (var test in request.Tests) steps.Time(counted.Name, test, round, () => rounds.Time(counted, model, test));

        return new(machine, [.. loaded.Select((m, i) => new ModelSpeed(m.Counted, peaks[i], rounds.Figures(m.Counted),
            tokenTimes ? steps.Token(m.Counted.Name, () => TokenTimes.Measure(m.Model, TokenRounds, WarmUpTokens, cancel)) : null))]);
    }

    private static void Refuse(IEnumerable<string> folders, SpeedRequest request)
    {
        if (request.Tests.Count == 0 || request.Repetitions < 1) throw new ArgumentException("There is no test to run.", nameof(request));
        long bytes = 0, memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        foreach (string folder in folders)
        {
            using var checkpoint = Checkpoint.Open(folder);
            bytes += checkpoint.FileBytes;
            int context = ModelSpec.Of(checkpoint).ContextLength, longest = request.Tests.Max(t => t.Tokens);
            if (longest > context)
                throw new InvalidDataException($"{folder}: its context of {context} tokens is shorter than a test of {longest}; give smaller --prompt and --generate.");
        }
        if (bytes > 0.8 * memory)
            throw new InvalidDataException($"The models' weights take {bytes >> 20} MiB together, this machine has {memory >> 20} MiB; bench fewer at once.");
    }

    /// <summary>The most memory that the process took while this model alone read and generated a few tokens.</summary>
    private static long Peak(string folder, SpeedRequest request)
    {
        using var peak = PeakMemory.Begin();
        using var checkpoint = Checkpoint.Open(folder);
        var model = Model.Load(checkpoint);
        model.Settings = request.Settings;
        SpeedRounds.Read(model, Math.Min(WarmUpTokens, model.Spec.ContextLength));
        SpeedRounds.Generate(model, Math.Min(WarmUpTokens, model.Spec.ContextLength));
        return peak.Bytes;
    }

    private static (SpeedModel Counted, Model Model) Load(string name, string folder, SpeedRequest request)
    {
        using var checkpoint = Checkpoint.Open(folder);
        var model = Model.Load(checkpoint);
        model.Settings = request.Settings;
        foreach (int tokens in request.Prompts.Order().Take(1)) SpeedRounds.Read(model, tokens);   // warms up
        SpeedRounds.Generate(model, Math.Min(WarmUpTokens, model.Spec.ContextLength));
        return (SpeedModel.Of(name, checkpoint, model), model);
    }

    private static SpeedMachine Machine(ReadLimit memory, SpeedRounds rounds, Model model, SpeedRequest request)
    {
        const double seconds = 0.3;
        memory.Measure(seconds);   // wakes the machine
        var prompt = request.Tests.FirstOrDefault(t => !t.Generates);
        return new(Processor.Name, Environment.ProcessorCount, Threads.Count, Processor.VectorUnits,
            memory.MeasureOnOneThread(seconds), memory.Measure(seconds), prompt is null ? 0 : rounds.Limit(model, prompt));
    }
}
