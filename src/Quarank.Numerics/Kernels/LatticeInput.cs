using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>An input as the lattice kernels take it. A unit is 128 columns, sixteen codes; what lies behind the last column is zero.</summary>
internal unsafe struct LatticeInputs
{
    /// <summary>Signed bytes: of each unit four times 32, those of codes 2k, 2k + 1, 8 + 2k and 9 + 2k.</summary>
    public sbyte* Bytes;

    /// <summary>−2 Σ of the bytes of each code: what an odd parity adds, in quarters.</summary>
    public short* Sums;

    /// <summary>Eight integers a unit, all but the first zero: −13 Σ of its bytes.</summary>
    public int* Starts;

    /// <summary>As <see cref="Starts"/>, −4 Σ.</summary>
    public int* ShellStarts;

    /// <summary>What a unit's bytes are multiplied by.</summary>
    public float* Scales;

    /// <summary>Floats in order.</summary>
    public float* Values;

    /// <summary>Σ / 4 of the floats of each code.</summary>
    public float* Quarters;
}

/// <summary>Memory for <see cref="LatticeInputs"/>, and how they are filled.</summary>
internal sealed unsafe class LatticeInput
{
    private const int Unit = ByteInput.Block, Codes = Unit / 8, Line = 64;
    private readonly ByteInput _rounded = new();
    private byte[] _memory = [];
    private PackedLayout? _plain;

    /// <summary>Rounds x to bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public LatticeInputs Bytes(ReadOnlySpan<float> x)
    {
        int units = Units(x.Length);
        Round(x);
        byte* at = Reserve(units * (Unit + 2 * Codes + 64 + 4) + 4 * Line);
        var inputs = new LatticeInputs { Starts = (int*)at, ShellStarts = (int*)(at + 32 * units) };
        at += 64 * units;
        inputs.Bytes = (sbyte*)at;
        inputs.Sums = (short*)(at + Unit * units);
        inputs.Scales = (float*)(at + (Unit + 2 * Codes) * units);
        new Span<int>(inputs.Starts, 16 * units).Clear();
        sbyte* from = _rounded.Pointers.Codes;
        for (int u = 0; u < units; u++)
        {
            int total = 0;
            for (int g = 0; g < Codes; g++)
            {
                // Code g = 8 h + 2 k + s stands in step k, half h, place s.
                sbyte* code = from + u * Unit + g * 8, to = inputs.Bytes + u * Unit + (g >> 1 & 3) * 32 + (g >> 3) * 16 + (g & 1) * 8;
                *(long*)to = *(long*)code;
                int sum = 0;
                for (int i = 0; i < 8; i++) sum += code[i];
                inputs.Sums[u * Codes + g] = (short)(-2 * sum);
                total += sum;
            }
            (inputs.Starts[8 * u], inputs.ShellStarts[8 * u]) = (-13 * total, -4 * total);
            inputs.Scales[u] = _rounded.Pointers.UnitScales[u];
        }
        return inputs;
    }

    /// <summary>Takes x as it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public LatticeInputs Floats(ReadOnlySpan<float> x)
    {
        int units = Units(x.Length);
        byte* at = Reserve(units * 4 * (Unit + Codes) + Line);
        var inputs = new LatticeInputs { Values = (float*)at, Quarters = (float*)at + units * Unit };
        x.CopyTo(new Span<float>(inputs.Values, x.Length));
        new Span<float>(inputs.Values + x.Length, units * Unit - x.Length).Clear();
        for (int g = 0; g < units * Codes; g++) inputs.Quarters[g] = Vector256.Sum(Vector256.Load(inputs.Values + 8 * g)) * 0.25f;
        return inputs;
    }

    /// <summary>What the bytes of x stand for.</summary>
    public void Rounded(ReadOnlySpan<float> x, Span<float> rounded)
    {
        Round(x);
        _rounded.Values(rounded);
    }

    public static int Units(int columns) => (columns + Unit - 1) / Unit;

    private void Round(ReadOnlySpan<float> x)
    {
        if (_plain?.Columns != x.Length) _plain = new PackedLayout(x.Length, 8, x.Length);
        _rounded.Fill(x, _plain);
    }

    private byte* Reserve(int size)
    {
        size += Line;
        if (_memory.Length < size) _memory = GC.AllocateUninitializedArray<byte>(size + size / 2, pinned: true);
        return (byte*)(((nint)Unsafe.AsPointer(ref _memory[0]) + Line - 1) & -Line);
    }
}
