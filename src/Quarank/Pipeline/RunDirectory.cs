using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Quarank.Checkpoints;
using Quarank.Compression.Learning;
using Quarank.Models;

namespace Quarank.Pipeline;

/// <summary>A finished block's line: the hash of its tensor file and what became of its layers.</summary>
/// <param name="Learned">How learning went, where the block's layers were learned.</param>
internal sealed record BlockRecord(string TensorHash, PhaseSeconds Seconds, IReadOnlyList<LayerReport> Layers, LearningReport? Learned = null);

/// <summary>
/// Finished blocks on the disk. A block counts when its record stands beside a tensor file of the recorded hash; all files
/// appear by rename, so that a run can be killed at any moment and goes on behind its last finished block.
/// </summary>
internal sealed partial class RunDirectory : IDisposable
{
    private const string HiddenStatesName = "hidden-states.bin", ManifestName = "manifest.json", LockName = "lock";
    private readonly string _path, _run;
    private readonly FileStream _lock;
    private readonly List<BlockRecord> _blocks = [];
    private string? _hash;

    private RunDirectory(string path, string run, FileStream held) => (_path, _run, _lock) = (path, run, held);

    /// <summary>The blocks finished so far: 0 … Count − 1.</summary>
    public IReadOnlyList<BlockRecord> Blocks => _blocks;

    public string HiddenStatesFile => Path.Combine(_path, HiddenStatesName);

    /// <summary>For hidden states that are not kept in memory; of no use to a run that goes on.</summary>
    public string WorkFile => Path.Combine(_path, "hidden-states.work.partial");

    /// <summary>For those of the original model, likewise.</summary>
    public string OriginalFile => Path.Combine(_path, "hidden-states.original.partial");

    /// <summary>Keeps the numbers of a block that is being learned.</summary>
    /// <param name="part">Which of the block's rounds of learning.</param>
    public LearningFile Learning(int block, int part, TimeSpan every) => new(LearningPath(part), _run, block, part, every);

    /// <summary>Opens a run folder, or makes one.</summary>
    /// <exception cref="InvalidDataException">The folder belongs to something else; the message says what differs.</exception>
    /// <exception cref="IOException">Another process works in it.</exception>
    public static RunDirectory Open(string path, RunFingerprint fingerprint, bool restart)
    {
        string manifest = Path.Combine(path, ManifestName);
        if (Directory.Exists(path) && !File.Exists(manifest) && Directory.EnumerateFileSystemEntries(path).Any(e => !IsOurs(e)))
            throw new InvalidDataException($"{path}: the folder is not empty and holds no run; name another with --work-dir.");
        Directory.CreateDirectory(path);
        var held = Lock(path);
        try
        {
            var run = new RunDirectory(path, fingerprint.Hash(), held);
            if (!restart) run.ReadBlocks();
            else run.ForgetLearning();
            if (run._blocks.Count > 0) run.Check(manifest, fingerprint);
            run.Clear(run._blocks.Count);
            AtomicFile.WriteText(manifest, JsonSerializer.Serialize(fingerprint, RunJson.Options));
            return run;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>The tensors of a finished block.</summary>
    public Checkpoint Open(int block) => Checkpoint.Open(FileOf(block));

    /// <summary>What a finished block changed besides its layers: norms and biases that took factors of channels. They live as long as <paramref name="stored"/>.</summary>
    public IEnumerable<StoredTensor> Vectors(int block, Checkpoint stored) =>
        stored.Tensors.All.Where(t => !_blocks[block].Layers.Any(l => t.Name.StartsWith($"{l.Name}.", StringComparison.Ordinal) && t.Name != $"{l.Name}.bias"));

    /// <summary>Puts the compressed layers of a finished block in their places.</summary>
    public void Restore(Block block)
    {
        using var stored = Open(block.Index);
        var forms = _blocks[block.Index].Layers.ToDictionary(l => l.Name, l => l.Form);
        foreach (var projection in block.Projections)
        {
            var (was, tensors) = (projection.Weight, stored.Tensors.Under(projection.Name));
            projection.Weight = forms[projection.Name].Load(tensors, was.Rows, was.Columns);
        }
    }

    /// <summary>Puts down the tensors of the next block.</summary>
    public void Store(StoredTensors tensors)
    {
        string file = FileOf(_blocks.Count);
        SafetensorsWriter.Write(file, tensors.All);
        _hash = HashOf(file);
    }

    /// <summary>Puts down the record of the block stored last; with it the block is finished.</summary>
    public void Finish(PhaseSeconds seconds, IReadOnlyList<LayerReport> layers, LearningReport? learned = null)
    {
        var record = new BlockRecord(_hash!, seconds, layers, learned);
        AtomicFile.WriteText(RecordFile(_blocks.Count), JsonSerializer.Serialize(record, RunJson.Options));
        _blocks.Add(record);
        ForgetLearning();
    }

    /// <summary>Removes the folder.</summary>
    public void Delete()
    {
        Clear(0);
        ForgetLearning();
        _lock.Dispose();
        File.Delete(Path.Combine(_path, LockName));
        if (!Directory.EnumerateFileSystemEntries(_path).Any()) Directory.Delete(_path);
    }

    /// <summary>Lets go of the folder; one without a finished block or one half learned has nothing to go on with, and is removed.</summary>
    public void Dispose()
    {
        if (_blocks.Count == 0 && Directory.Exists(_path) && !File.Exists(LearningPath(0))) Delete();
        _lock.Dispose();
    }

    public static string HashOf(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private string FileOf(int block) => Path.Combine(_path, $"block-{block:D3}.safetensors");

    private string RecordFile(int block) => Path.Combine(_path, $"block-{block:D3}.json");

    private string LearningPath(int part) => Path.Combine(_path, $"learning-{part:D3}.bin");

    private void ForgetLearning()
    {
        foreach (string file in Directory.EnumerateFiles(_path, "learning-*.bin*")) File.Delete(file);
    }

    private void Check(string manifest, RunFingerprint fingerprint)
    {
        var differences = Read<RunFingerprint>(manifest)?.Differences(fingerprint) ?? ["the manifest, which cannot be read"];
        if (differences.Count > 0)
            throw new InvalidDataException($"{_path}: an unfinished run of {_blocks.Count} blocks is kept here, but it differs "
                + $"in {string.Join("; ", differences)}. Give the same command as then to go on, or --restart to throw it away.");
    }

    private void ReadBlocks()
    {
        while (Read<BlockRecord>(RecordFile(_blocks.Count)) is { } record && File.Exists(FileOf(_blocks.Count))
            && HashOf(FileOf(_blocks.Count)) == record.TensorHash)
            _blocks.Add(record);
    }

    private static T? Read<T>(string path) where T : class
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<T>(File.ReadAllText(path), RunJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;   // damaged: what it stood for is done again
        }
    }

    private static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(Path.Combine(path, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException))
        {
            throw new IOException($"{path}: another process works in this run folder, or it cannot be written ({e.Message})", e);
        }
    }

    /// <summary>
    /// Removes what the first <paramref name="blocks"/> finished blocks do not need. The manifest goes last, so that what is
    /// left of a half-emptied folder is still known as a run's.
    /// </summary>
    private void Clear(int blocks)
    {
        foreach (string file in Directory.EnumerateFiles(_path).Where(f => BlockOf(f) >= blocks)) File.Delete(file);
        if (blocks > 0) return;
        File.Delete(HiddenStatesFile);
        File.Delete(Path.Combine(_path, ManifestName));
    }

    /// <summary>What a folder may hold that was being made, or removed, when the process was killed.</summary>
    private static bool IsOurs(string entry) =>
        Path.GetFileName(entry) is LockName or HiddenStatesName || LearningName().IsMatch(Path.GetFileName(entry)) || BlockOf(entry) >= 0;

    /// <summary>
    /// The block that a file belongs to, a very large number for a file that was never finished, −1 for others.
    /// </summary>
    private static int BlockOf(string path)
    {
        var match = BlockFile().Match(Path.GetFileName(path));
        if (!match.Success) return -1;
        if (match.Groups[2].Success) return int.MaxValue;
        return match.Groups[1].Success ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : -1;
    }

    [GeneratedRegex(@"^learning-\d{3}\.bin(\.partial)?$")]
    private static partial Regex LearningName();

    [GeneratedRegex(@"^(?:block-(\d{3,8})\.(?:json|safetensors)|hidden-states\.(?:bin|work|original)|manifest\.json)(\.partial)?$")]
    private static partial Regex BlockFile();
}
