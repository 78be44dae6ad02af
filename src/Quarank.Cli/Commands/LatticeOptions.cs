using System.CommandLine;
using System.CommandLine.Parsing;
using Quarank.Cli.Console;
using Quarank.Compression;
using Quarank.Compression.Methods;
using Quarank.Layers;

namespace Quarank.Cli.Commands;

/// <summary>The flags of lattice, trellis, CALDERA and QuIP that no other method has.</summary>
internal sealed class LatticeOptions
{
    private readonly Option<int?> _passes = Inputs.Whole("--passes", "N", "Of descent over the groups of eight weights, after their feedback (10); trellis: over pairs of columns (0).", 0, 1000);
    private readonly Option<int?> _factorBits = Inputs.Whole("--factor-bits", "N", "Bits of CALDERA's factors: 2, 3 or 4 on the lattice, or 16 (4); of svd, asvd, svd-llm and res-svd 2 to 8, or 16 (16).", 2, 16);
    private readonly Option<int?> _iterations = Inputs.Whole("--iterations", "N", "How often CALDERA's Q and L R take turns; the best pair is kept (3).", 1, 1000);
    private readonly Option<int?> _factorIterations = Inputs.Whole("--factor-iterations", "N", "How often its factors are rounded anew for each other, in each turn (10).", 1, 1000);

    private readonly Option<CalderaStart?> _start = Inputs.Choice("--start", "What CALDERA does first; outliers is ODLRI (quantize).",
        ("quantize", CalderaStart.Quantize), ("lowRank", CalderaStart.LowRank), ("outliers", CalderaStart.Outliers));

    private readonly Option<int?> _outliers = Inputs.Whole("--outliers", "P", "With --start outliers: columns of the strongest inputs that it begins with (rank / 16).", 1);
    private readonly Option<bool> _downdate = Inputs.Flag("--downdate", "CALDERA: Q's feedback leaves out the directions of the factors.");

    private readonly Option<bool> _nearest = Inputs.Flag("--nearest", "Lattice: always the nearest point, as the paper has it, also where another one loses less.");

    private readonly Option<bool> _sorted = Inputs.Flag("--sorted", "quip: columns in order of their input's energy, the largest rounded first.");
    private readonly Option<double?> _range = Inputs.Number("--range", "X", "quip: the outer levels in root mean squares of a row (what suits normal weights best; 2.4 in the paper's program).", 0.1, 100);

    private readonly Option<RotationKind?> _rotation = Inputs.Choice("--rotation", "lattice, trellis, quip: what turns the coordinates, signs and Hadamard matrices or Kronecker products of random orthogonal ones (hadamard).",
        ("hadamard", RotationKind.Hadamard), ("kronecker", RotationKind.Kronecker));

    private readonly Option<CalderaCodes?> _codes = Inputs.Choice("--codes", "What CALDERA's Q is stored as; a trellis has halves of bits too (lattice).", ("lattice", CalderaCodes.Lattice), ("trellis", CalderaCodes.Trellis));

    private readonly Option<int?> _stateBits = Inputs.Whole("--state-bits", "N", "trellis, also as CALDERA's codes: bits that a value depends on; more come nearer, each at twice the time of rounding (14; above 3 bits 16).", 6, 16);

    public Option<int?> Passes => _passes;

    public Option StateBits => _stateBits;

    public Option Nearest => _nearest;

    public Option Rotation => _rotation;

    /// <summary>Products alone have it too.</summary>
    public Option<int?> FactorBits => _factorBits;

    /// <summary>What CALDERA takes.</summary>
    public Option[] Caldera => [_passes, _nearest, _factorBits, _iterations, _factorIterations, _start, _outliers, _downdate, _codes, _stateBits];

    /// <summary>What QuIP alone takes.</summary>
    public Option[] Quip => [_sorted, _range];

    public Option[] All => [.. Caldera, _rotation, .. Quip];

    public Incoherent Rotated(CommandResult given, Method inner) => new(inner, given.GetValue(_rotation) ?? RotationKind.Hadamard);

    public Lattice ToLattice(CommandResult given, int? bits, double? damping, DampingOf? of)
    {
        var lattice = new Lattice();
        return new(bits ?? lattice.Bits, given.GetValue(_passes) ?? lattice.Passes, damping ?? lattice.Damping, of ?? lattice.DampingOf, given.GetValue(_nearest));
    }

    public Trellis ToTrellis(CommandResult given, double? bits, double? damping, DampingOf? of)
    {
        var trellis = new Trellis();
        return new(bits ?? trellis.Bits, given.GetValue(_stateBits) ?? trellis.StateBits, given.GetValue(_passes) ?? trellis.Passes, damping ?? trellis.Damping, of ?? trellis.DampingOf);
    }

    public Quip ToQuip(CommandResult given, int? bits, double? damping)
    {
        var quip = new Quip();
        return new(bits ?? quip.Bits, given.GetValue(_passes) ?? quip.Passes, given.GetValue(_sorted), given.GetValue(_range) ?? quip.Range, damping ?? quip.Damping);
    }

    public Caldera ToCaldera(CommandResult given, int? rank, double? bits, double? bitsPerWeight, double? damping)
    {
        var caldera = new Caldera();
        return new(rank ?? caldera.Rank, bits ?? caldera.Bits, given.GetValue(_factorBits) ?? caldera.FactorBits, given.GetValue(_iterations) ?? caldera.Iterations,
            given.GetValue(_factorIterations) ?? caldera.FactorIterations, given.GetValue(_start) ?? caldera.Start, given.GetValue(_outliers) ?? caldera.Outliers,
            given.GetValue(_downdate), given.GetValue(_passes), damping ?? caldera.Damping, given.GetValue(_nearest), bitsPerWeight, given.GetValue(_codes) ?? caldera.Codes,
            given.GetValue(_stateBits) ?? caldera.StateBits);
    }
}
