using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Quarank.Checkpoints;
using Quarank.Compression;
using Quarank.Layers;
using Quarank.Models;
using Quarank.Numerics;
using Quarank.Pipeline;

namespace Quarank.Studies.Allocation;

/// <summary>What a choice makes of a layer.</summary>
/// <param name="Bits">All stored bits.</param>
/// <param name="Error">The relative output error on the original's calibration inputs.</param>
internal sealed record Candidate(string Name, int Rows, int Columns, LinearFormat Form, long Bits, double Error);

/// <summary>
/// Every layer compressed by every choice, on the original's activations, kept on the disk: a folder for each choice, named by
/// model, calibration and method, in it a tensor file and a record for each block. What is there is not done again.
/// </summary>
internal sealed class Candidates
{
    private readonly Survey _survey;
    private readonly string _folder;
    private readonly int _perBlock;
    private readonly List<Choice> _choices = [];

    private sealed record Choice(Assignment Methods, int Seed, string Key, Candidate[]?[] Blocks);

    public Candidates(string folder, Survey survey) =>
        (_folder, _survey, _perBlock) = (folder, survey, survey.Spec.Projections(0).Count);

    /// <summary>Adds a choice: a recipe's methods, with every rank resolved.</summary>
    public void Add(Recipe recipe)
    {
        string all = string.Join('\n', RunFingerprint.ThisProgram, BlasLibrary.Describe(), _survey.ModelHash,
            _survey.Calibration.Hash, JsonSerializer.Serialize(new { recipe.Method, recipe.Layers, recipe.Seed, Tokens = recipe.Weighting().Wanted, recipe.Calibration.NormCut }, RecipeJson.Options));
        string key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all)))[..16];
        _choices.Add(new(Assignment.Of(recipe, Plan.Shapes(_survey.Spec)), recipe.Seed, key, new Candidate[]?[_survey.Spec.BlockCount]));
    }

    /// <summary>Tells a choice's results from those of another model, calibration or method.</summary>
    public string KeyOf(int choice) => _choices[choice].Key;

    /// <summary>Compresses what is missing, a block at a time.</summary>
    public void Fill(IProgress<RunProgress>? progress, CancellationToken token)
    {
        foreach (var choice in _choices)
            for (int b = 0; b < choice.Blocks.Length; b++) choice.Blocks[b] ??= Read(choice, b);
        int[] missing = [.. Enumerable.Range(0, _survey.Spec.BlockCount).Where(b => _choices.Any(c => c.Blocks[b] is null))];
        _survey.VisitLayers(missing, (block, layers) =>
        {
            foreach (var choice in _choices) choice.Blocks[block] ??= Compress(choice, block, layers, token);
        }, progress, token);
    }

    /// <param name="layer">Counted through the model.</param>
    public Candidate this[int layer, int choice] => _choices[choice].Blocks[layer / _perBlock]![layer % _perBlock];

    public Linear Load(int layer, int choice)
    {
        var candidate = this[layer, choice];
        using var stored = Checkpoint.Open(TensorsOf(_choices[choice], layer / _perBlock));
        return candidate.Form.Load(stored.Tensors.Under(candidate.Name), candidate.Rows, candidate.Columns);
    }

    private Candidate[] Compress(Choice choice, int block, IReadOnlyList<SurveyedLayer> surveyed, CancellationToken token)
    {
        var (layers, candidates) = (new Linear[surveyed.Count], new Candidate[surveyed.Count]);
        int[] order = [.. Enumerable.Range(0, surveyed.Count).OrderByDescending(i => (long)surveyed[i].Weight.Rows * surveyed[i].Weight.Columns)];
        Threads.For(surveyed.Count, o =>
        {
            token.ThrowIfCancellationRequested();
            int i = order[o];
            var method = choice.Methods[surveyed[i].Name];
            var problem = surveyed[i].For(method, choice.Seed);
            layers[i] = method.Compress(problem);
            candidates[i] = new(problem.Name, problem.Rows, problem.Columns, layers[i].Format, layers[i].Bits,
                ProxyLoss.Relative(problem, layers[i]));
        });
        var tensors = new StoredTensors();
        for (int i = 0; i < layers.Length; i++) layers[i].Save(tensors.Under(surveyed[i].Name));
        Directory.CreateDirectory(Path.Combine(_folder, choice.Key));
        SafetensorsWriter.Write(TensorsOf(choice, block), tensors.All, cancel: CancellationToken.None);
        AtomicFile.WriteText(RecordOf(choice, block), JsonSerializer.Serialize(candidates, RunJson.Options));
        return candidates;
    }

    private Candidate[]? Read(Choice choice, int block)
    {
        string record = RecordOf(choice, block);
        if (!File.Exists(record) || !File.Exists(TensorsOf(choice, block))) return null;
        try
        {
            return JsonSerializer.Deserialize<Candidate[]>(File.ReadAllText(record), RunJson.Options) is { } read
                && read.Length == _perBlock ? read : null;
        }
        catch (JsonException)
        {
            return null;   // damaged: done again
        }
    }

    private string TensorsOf(Choice choice, int block) => Path.Combine(_folder, choice.Key, $"block-{block:D3}.safetensors");

    private string RecordOf(Choice choice, int block) => Path.Combine(_folder, choice.Key, $"block-{block:D3}.json");
}
