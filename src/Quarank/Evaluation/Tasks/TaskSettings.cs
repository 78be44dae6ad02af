namespace Quarank.Evaluation.Tasks;

/// <summary>What is the same for all tasks of a run.</summary>
/// <param name="DataFolder">The folder of the data sets; see <see cref="Data.DataLayout"/>.</param>
/// <param name="Limit">Only the first documents of each task; null takes all.</param>
/// <param name="FewShot">Solved examples before each question.</param>
/// <param name="FewShotSplit">Where examples come from; null: the split that the harness takes.</param>
/// <param name="FewShotSeed">Where their drawing starts; the harness's default is 1234.</param>
public sealed record TaskSettings(string DataFolder, int? Limit = null, int FewShot = 0, string? FewShotSplit = null, int FewShotSeed = 1234);
