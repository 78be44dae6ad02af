using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Quarank.Numerics.Kernels;

/// <summary>How numbers of a type are read as floats, eight at a time; a type argument, so that loops are compiled for each.</summary>
internal interface IStoredNumbers<T> where T : unmanaged
{
    static abstract Vector256<float> Load(ref T first);

    static abstract float ToSingle(T value);
}

internal readonly struct StoredSingles : IStoredNumbers<float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(ref float first) => Vector256.LoadUnsafe(ref first);

    public static float ToSingle(float value) => value;
}

/// <summary>Finite halves: infinity would be read as 65,536.</summary>
internal readonly struct StoredHalves : IStoredNumbers<ushort>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(ref ushort first) =>
        SmallFloat.UnscaledHalf(Widen(Vector128.LoadUnsafe(ref first).AsInt16())).AsSingle() * SmallFloat.HalfScale;

    public static float ToSingle(ushort value) => (float)BitConverter.UInt16BitsToHalf(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Widen(Vector128<short> v)
    {
        var (low, high) = Vector128.Widen(v);
        return Vector256.Create(low, high);
    }
}

internal readonly struct StoredBytes : IStoredNumbers<sbyte>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(ref sbyte first)
    {
        var eight = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<sbyte, byte>(ref first))).AsSByte();
        var (low, high) = Vector128.Widen(Vector128.WidenLower(eight));
        return Vector256.ConvertToSingle(Vector256.Create(low, high));
    }

    public static float ToSingle(sbyte value) => value;
}
