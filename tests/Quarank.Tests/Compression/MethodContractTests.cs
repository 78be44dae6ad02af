using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Compression.Rounding;
using Quarank.Layers;
using Quarank.Numerics;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Compression;

/// <summary>What every method of the table keeps.</summary>
public class MethodContractTests
{
    private static readonly Dictionary<string, Method> Samples = new()
    {
        ["rtn"] = new RoundToNearest(new(3, 32)),
        ["gptq"] = new Gptq(new(3, 32), GridRange.Clip),
        ["rtn: ranges by output"] = new RoundToNearest(new(3, 32), GridRange.Output),
        ["rtn: learned ranges, symmetric rows"] = new RoundToNearest(new(4, 0, GridOffset.None), GridRange.Learned),
        ["rtn: half-quadratic offsets"] = new RoundToNearest(new(3, 32, GridOffset.Number), GridRange.HalfQuadratic),
        ["rtn: two levels of scales and minima"] = new RoundToNearest(new(3, 16, GridOffset.Number) { Super = new(5, 0) }, GridRange.Clip),
        ["gptq: learned ranges"] = new Gptq(new(3, 32), GridRange.Learned),
        ["gptq: two levels of scales"] = new Gptq(new(3, 32) { Super = new(6, 64) }, GridRange.Clip),
        ["gptq: two levels of symmetric scales, static groups in another order"] = new Gptq(new(3, 16, GridOffset.None) { Super = new(4, 32) }, ActOrder: true, StaticGroups: true),
        ["awq"] = new Awq(new RoundToNearest(new(3, 32), GridRange.Output), Steps: 5),
        ["awq: gptq"] = new Awq(new Gptq(new(3, 32), GridRange.Clip), false, 5),
        ["lordq"] = new Lordq(RankFraction: 0.9),
        ["lordq-best"] = new LordqBest(2.5),
        ["lordq: half floats"] = new Lordq(RankFraction: 0.4, PBits: 16, QBits: 16),
        ["lordq: refit"] = new Lordq(RankFraction: 0.9, Refit: true, Blocks: 3),
        ["lordq: refit, feedback, a sweep, clipped groups"] = new Lordq(RankFraction: 0.9, Refit: true, Feedback: LordqFeedback.Both, Sweeps: 1, Range: GridRange.Clip, GroupSize: 32),
        ["lordq: zero-points"] = new Lordq(RankFraction: 0.9, Levels: CodeLevels.ZeroPoint, GroupSize: 48),
        ["lordq: symmetric, feedback"] = new Lordq(RankFraction: 0.9, Levels: CodeLevels.Symmetric, Refit: true, Feedback: LordqFeedback.Q),
        ["lordq: normal levels, leading components"] = new Lordq(RankFraction: 0.9, Levels: CodeLevels.Normal, Range: GridRange.Clip, PBits: 3, QBits: 3, Lead: new(5, 4, 4, Then: new(PBits: 3, QBits: 2, Share: 0.1))),
        ["lordq: the rest on one bit"] = new Lordq(RankFraction: 0.4, Rest: new(1, Levels: CodeLevels.Normal)),
        ["lordq: a grid first, its error mended, two rounds"] = new Lordq(RankFraction: 0.3, Refit: true, Lead: new(3), Rest: new(2, 32, First: true, Feedback: false, Rounds: 2)),
        ["exact"] = new Exact(new Gptq(new(3, 32)), 1, 2),
        ["lattice"] = new Lattice(Passes: 1),
        ["trellis"] = new Trellis(StateBits: 12),
        ["trellis: 2.5 bits, rotated"] = new Incoherent(new Trellis(2.5, 12, 0)),
        ["lattice: 3 bits"] = new Lattice(3, 0),
        ["incoherent"] = new Incoherent(new Lattice(4, 1)),
        ["incoherent: grid"] = new Incoherent(new Gptq(new(3))),
        ["rounded-inputs"] = new RoundedInputs(new Gptq(new(4, 32)), new(8)),
        ["rounded-inputs: clip by search"] = new RoundedInputs(new RoundToNearest(new(4, 0, GridOffset.None)), new(4), null),
        ["corrected: around rounded inputs"] = new Corrected(new RoundedInputs(new RoundToNearest(new(4)), new(4)), Rank: 6),
        ["lrc"] = new Lrc(new Gptq(new(4, 0, GridOffset.None), GridRange.Clip), new(4), Iterations: 2),
        ["lrc: 8-bit factors, a share of bytes"] = new Lrc(new RoundToNearest(new(4, 32)), new(4), 0.5, LrcRank.Bytes, 8),
        ["lrc: 4-bit factors, a fixed rank"] = new Lrc(new Gptq(new(4)), new(4), 9, LrcRank.Fixed, 4),
        ["lrc: a plain correction"] = new Lrc(new Gptq(new(4)), new(4), 9, LrcRank.Fixed, 8, FitTo: LrcFit.Weights),
        ["lrc: no factors"] = new Lrc(new Gptq(new(4)), new(4), 0, LrcRank.Fixed),
        ["caldera"] = new Caldera(8, Iterations: 2, FactorIterations: 2, Passes: 1),
        ["caldera: 16 bits, low rank first, down-dated"] = new Caldera(6, FactorBits: 16, Iterations: 2, Start: CalderaStart.LowRank, Downdate: true, Passes: 1),
        ["flexround"] = new FlexRound(new(3)) { Learning = new(Steps: 5) },
        ["omniquant"] = new OmniQuant(new(3, 32)) { Learning = new(Steps: 5) },
        ["omniquant: symmetric"] = new OmniQuant(new(4, 0, GridOffset.None)) { Learning = new(Steps: 5) },
        ["lrq"] = new Lrq(new(3, 32)) { Learning = new(Steps: 5) },
        ["lrq: rank, symmetric"] = new Lrq(new(4, 0, GridOffset.None), 3) { Learning = new(Steps: 2) },
        ["quip"] = new Quip(Passes: 2),
        ["quip: three bits, sorted, rotated by Kronecker products"] = new Incoherent(new Quip(3, 1, Sorted: true, Range: 2.4), RotationKind.Kronecker),
        ["caldera: trellis"] = new Caldera(8, 1.5, Iterations: 2, FactorIterations: 2, Codes: CalderaCodes.Trellis, StateBits: 8),
        ["caldera: outliers"] = new Caldera(8, 3, Iterations: 1, Start: CalderaStart.Outliers, Outliers: 3, Passes: 0),
        ["low-rank"] = new LowRank(Rank: 36),
        ["low-rank: by a budget"] = new LowRank(BitsPerWeight: 20),
        ["low-rank: plain"] = new LowRank(InputWeighting.None, Rank: 36),
        ["low-rank: magnitudes to a power, 8 bits in groups"] = new LowRank(InputWeighting.Magnitude, Rank: 36, Power: 0.5, FactorBits: 8, FactorGroupSize: 32),
        ["low-rank: a residual, 4 bits"] = new LowRank(Rank: 38, FactorBits: 4, ResidualShare: 0.25),
        ["low-rank: leading components"] = new LowRank(Rank: 38, FactorBits: 3, Lead: new(4, 8, 8)),
        ["corrected"] = new Corrected(new Gptq(new(2, 32)), Rank: 6),
        ["corrected: 4-bit factors, rounds"] = new Corrected(new RoundToNearest(new(2, 32)), Rank: 9, FactorBits: 4, FactorGroupSize: 16, Rounds: 2),
        ["corrected: a budget, root mean squares, first"] = new Corrected(new Incoherent(new Lattice(Passes: 0)), InputWeighting.Rms, BitsPerWeight: 4.5, FactorBits: 8, FactorsFirst: true),
        ["corrected: lattice, LoRDQ's bands"] = new Corrected(new Incoherent(new Lattice(Passes: 1)), Rank: 12, FactorBits: 3, Lead: new(2, 8, 8), Rounds: 1),
        ["lplr"] = new Lplr(Rank: 38),
        ["lplr: power iterations, parts"] = new Lplr(Rank: 38, LeftBits: 16, RightBits: 6, PowerIterations: 2, Parts: 3),
        ["lplr: singular vectors, a budget"] = new Lplr(10, Sketched: false),
        ["keep"] = new Keep(),
    };

    public static TheoryData<string> Methods => [.. Samples.Keys];

    [Theory, MemberData(nameof(Methods))]
    public void Leaves_its_problem_alone_and_repeats_itself_at_any_thread_count(string name)
    {
        var problem = Some.Problem(70, 160);
        var before = (problem.Weight.Data.ToArray(), problem.Inputs.Gram.Data.ToArray());
        int threads = Threads.Count;
        try
        {
            var results = new List<byte[]>();
            foreach (int count in (int[])[1, 2, 3])
            {
                Threads.Count = count;
                results.Add(Bytes(Samples[name].Compress(problem)));
            }
            Assert.Equal(results[0], results[1]);
            Assert.Equal(results[0], results[2]);
        }
        finally
        {
            Threads.Count = threads;
        }
        Assert.Equal(before.Item1, problem.Weight.Data.ToArray());
        Assert.Equal(before.Item2, problem.Inputs.Gram.Data.ToArray());
    }

    [Theory, MemberData(nameof(Methods))]
    public void Takes_exactly_the_bits_it_planned(string name)
    {
        var problem = Some.Problem(70, 160);
        Assert.Equal(Samples[name].PlannedBits(new("layer", 70, 160)), Samples[name].Compress(problem).Bits);
    }

    [Theory, MemberData(nameof(Methods))]
    public void Dead_inputs_cost_nothing_and_break_nothing(string name)
    {
        var problem = Some.Problem(40, 96, dead: 7);
        double loss = ProxyLoss.Relative(problem, Samples[name].Compress(problem));
        Assert.InRange(loss, 0, 0.3);
    }

    [Theory, MemberData(nameof(Methods))]
    public void Comes_back_from_its_json(string name)
    {
        string json = JsonSerializer.Serialize(Samples[name]);
        Assert.Contains($"\"method\":\"{NameOf(name)}\"", json, StringComparison.Ordinal);
        Assert.Equal(Samples[name], JsonSerializer.Deserialize<Method>(json));
    }

    [Fact]
    public void The_tables_list_every_method_and_form()
    {
        Assert.Equal(Subclasses<Method>(), Table<Method>().Select(a => a.DerivedType).OrderBy(t => t.Name));
        Assert.Equal(Subclasses<LinearFormat>(), Table<LinearFormat>().Select(a => a.DerivedType).OrderBy(t => t.Name));
        Assert.Equal(Samples.Keys.Select(NameOf).Distinct().Order(), Table<Method>().Select(a => (string)a.TypeDiscriminator!).Order());
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        Assert.Contains("static groups", Assert.Throws<ArgumentException>(new Gptq(new(3, 32), ActOrder: true).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("not 9", Assert.Throws<ArgumentException>(new Lordq(PBits: 9).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("not 0", Assert.Throws<ArgumentException>(new Lordq(Blocks: 0).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("not 0", Assert.Throws<ArgumentException>(new LowRank(Rank: 0).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("power is for", Assert.Throws<ArgumentException>(new LowRank(Power: 0.5).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("exact around corrected", Assert.Throws<ArgumentException>(new Corrected(new Exact(new Gptq(new(3)), 1)).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("singular vectors need none", Assert.Throws<ArgumentException>(new Lplr(PowerIterations: 1, Sketched: false).Validate).Message, StringComparison.Ordinal);
        Assert.Contains("2 to 8 bits", Assert.Throws<ArgumentException>(new RoundToNearest(new(1)).Validate).Message, StringComparison.Ordinal);
    }

    // "lordq: refit" is a sample of lordq.
    private static string NameOf(string sample) => sample.Split(':')[0];

    private static IEnumerable<Type> Subclasses<T>() => typeof(T).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(T)) && !t.IsAbstract).OrderBy(t => t.Name);

    private static IEnumerable<JsonDerivedTypeAttribute> Table<T>() => typeof(T).GetCustomAttributes<JsonDerivedTypeAttribute>();

    private static byte[] Bytes(Linear linear)
    {
        var stored = new Quarank.Checkpoints.StoredTensors();
        linear.Save(stored);
        return [.. stored.All.SelectMany(t => t.ReadBytes())];
    }
}
