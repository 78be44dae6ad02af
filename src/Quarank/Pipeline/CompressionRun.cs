using System.Diagnostics;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Compression.Learning;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Tokenizers;

namespace Quarank.Pipeline;

/// <summary>
/// Compresses a model folder into another. The work is kept block by block in a run folder: killed at any moment, the same call
/// goes on and ends with the same bytes. The new folder appears whole, by rename.
/// </summary>
public static class CompressionRun
{
    /// <summary>Runs a recipe to its end, from wherever an earlier attempt was left.</summary>
    /// <param name="modelFolder">config.json, safetensors and tokenizer of the original.</param>
    /// <param name="outFolder">Must not exist yet, or be empty.</param>
    /// <param name="token">Looked at between sequences and layers; what is finished stays in the run folder.</param>
    /// <exception cref="InvalidDataException">Something that was given cannot be used; the message says what, and what to
    /// do.</exception>
    public static CompressionReport Execute(
        string modelFolder, string outFolder, Recipe recipe, RunOptions? options = null, IProgress<RunProgress>? progress = null,
        CancellationToken token = default)
    {
        options ??= new();
        outFolder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(outFolder));
        string work = Path.GetFullPath(options.WorkFolder ?? outFolder + ".run");
        recipe.Check();
        if (options.Statistics is not null && recipe.Propagate != Propagation.Original)
            throw new InvalidDataException(
                "Statistics can be kept only with propagate \"original\": otherwise they depend on what earlier blocks became.");

        if (options.Statistics is not null && recipe.Roundings.Count > 0)
            throw new InvalidDataException("Kept statistics hold no sums of rounded inputs; leave them out for methods that round inputs.");

        if (!Directory.Exists(work)) CheckpointWriter.RefuseExisting(outFolder);
        using var checkpoint = Checkpoint.Open(modelFolder);
        var spec = ModelSpec.Of(checkpoint);
        var plan = Plan.Of(checkpoint, spec, recipe, options.MaxMemory);
        var clock = new RunClock(spec.BlockCount, progress);
        var calibration = clock.Time(RunPhase.Calibrate,
            () => options.Calibration ?? CalibrationSet.Read(recipe.Calibration, Tokenizer.Load(checkpoint.Directory, recipe.Calibration.TokenizerRules), token));
        string samples = work + ".samples";
        if (options.TimeBudget is { } time && recipe.Learns && options.Calibration is null)
        {
            if (options.Restart || !Directory.Exists(work)) File.Delete(samples);
            int chosen = SampleBudget.Of(checkpoint, spec, calibration, time, samples);
            if (chosen < calibration.Sequences.Count)
            {
                recipe = recipe with { Calibration = recipe.Calibration with { Samples = chosen } };
                calibration = CalibrationSet.Read(recipe.Calibration, Tokenizer.Load(checkpoint.Directory, recipe.Calibration.TokenizerRules), token);
            }
        }
        int largest = calibration.Sequences.Max(s => s.Max());
        if (largest >= spec.VocabularySize)
            throw new InvalidDataException($"{modelFolder}: the tokenizer gives token {largest}, but the model's vocabulary has "
                + $"{spec.VocabularySize}; they do not belong together.");
        string surveyed = work + ".survey";
        if (WaterFilling.IsAsked(recipe))
        {
            using var survey = Survey.Open(
                modelFolder, recipe.Calibration, calibration, options.Statistics ?? surveyed, recipe.Weighting(), token);
            recipe = WaterFilling.Resolve(recipe, survey, null, progress, token);
            plan = Plan.Of(checkpoint, spec, recipe, options.MaxMemory);
        }
        var fingerprint = RunFingerprint.Of(recipe, checkpoint, calibration);

        using var run = RunDirectory.Open(work, fingerprint, options.Restart);
        if (CompressionReport.TryLoad(outFolder) is { } report && report.Run == fingerprint.Hash())
        {
            // Killed between the rename and the removal of the run folder: all there is to do is the latter.
            run.Delete();
            return report;
        }
        CheckpointWriter.RefuseExisting(outFolder);
        var kept = options.Statistics is null ? null
            : StatisticsFolder.Open(Path.GetFullPath(options.Statistics), fingerprint, recipe.Weighting());
        var methods = Assignment.Of(recipe, Plan.Shapes(spec));
        using (var loop = new BlockLoop(checkpoint, spec, recipe, methods, calibration, options, plan.Memory, run, kept, clock, token))
            if (!loop.Run()) return Report(recipe, methods, calibration, fingerprint, plan, run, clock) with { StoppedAfter = run.Blocks.Count };

        var finished = Finish(outFolder, recipe, methods, checkpoint, spec, calibration, fingerprint, plan, run, clock, options.Choice, token);
        if (Directory.Exists(surveyed)) Directory.Delete(surveyed, recursive: true);
        File.Delete(samples);
        return finished;
    }

    private static CompressionReport Finish(
        string outFolder, Recipe recipe, Assignment methods, Checkpoint checkpoint, ModelSpec spec, CalibrationSet calibration, RunFingerprint fingerprint,
        Plan plan, RunDirectory run, RunClock clock, string? choice, CancellationToken token)
    {
        string staging = outFolder + ".partial";
        LayerReport[] layers = [.. run.Blocks.SelectMany(b => b.Layers)];
        var tables = clock.Time(RunPhase.Write, () => WriteModel(staging, recipe, checkpoint, spec, run, layers, token));
        long weights = layers.Sum(l => (long)l.Rows * l.Columns), bits = layers.Sum(l => l.Bits);
        var report = Report(recipe, methods, calibration, fingerprint, plan, run, clock) with
        {
            Choice = choice,
            FileBytes = OutputModel.TensorBytes(staging),
            Files = OutputModel.Hashes(staging),
            Tables = tables,
            BitsPerWeightWithTables = (double)(bits + tables.Sum(t => t.Bits)) / (weights + tables.Sum(t => (long)t.Rows * t.Columns)),
        };
        AtomicFile.WriteText(Path.Combine(staging, CompressionReport.FileName), report.ToJson());
        OutputModel.Publish(staging, outFolder);
        run.Delete();
        return report;
    }

    /// <summary>What the finished blocks say; of a model nothing yet.</summary>
    private static CompressionReport Report(
        Recipe recipe, Assignment methods, CalibrationSet calibration, RunFingerprint fingerprint, Plan plan, RunDirectory run, RunClock clock)
    {
        LayerReport[] layers = [.. run.Blocks.SelectMany(b => b.Layers)];
        return new CompressionReport(
            fingerprint.Hash(), fingerprint.Program, fingerprint.Blas, recipe,
            (double)layers.Sum(l => l.Bits) / layers.Sum(l => (long)l.Rows * l.Columns), layers.Average(l => l.RelativeError),
            0, calibration.Tokens, calibration.Hash,
            run.Blocks.Aggregate(clock.Take(), (sum, block) => sum + block.Seconds), Process.GetCurrentProcess().PeakWorkingSet64,
            plan.Warnings, layers, new Dictionary<string, string>())
        {
            Methods = [.. layers.Select(l => methods[l.Name]).Distinct()],
            Learned = [.. run.Blocks.Select(b => b.Learned).OfType<LearningReport>()],
            PlannedMemoryBytes = plan.PeakMemoryBytes,
        };
    }

    // Rounded here as they were for calibration: a second or two, and nothing to keep.
    private static TableReport[] WriteModel(string folder, Recipe recipe, Checkpoint checkpoint, ModelSpec spec, RunDirectory run,
        LayerReport[] layers, CancellationToken token)
    {
        var all = ModelTables.Of(checkpoint, spec, recipe);
        var rounded = ModelTables.Round(all).ToDictionary(r => r.Table.Name, r => r.Rounded);
        var tensors = new StoredTensors();
        foreach (var (name, table) in rounded) table.Save(tensors.Under(name));
        TableReport[] tables = [.. all.Select(t =>
        {
            Linear? now = rounded.GetValueOrDefault(t.Name);
            long bits = now?.Bits ?? t.PlannedBits;
            return new TableReport(t.Name, t.Rows, t.Columns, now?.Format ?? new DenseFormat(), bits, (double)bits / ((long)t.Rows * t.Columns),
                now is null ? 0 : TableRounding.RelativeError(t.Load(), now));
        })];
        OutputModel.Write(folder, checkpoint, recipe, run, layers, tables, tensors, ModelTables.Replaced(all, spec), token);
        return tables;
    }
}
