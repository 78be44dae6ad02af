namespace Quarank.Checkpoints;

/// <summary>What is known about each <see cref="ElementType"/>: its size and its name in a safetensors header.</summary>
public static class ElementTypes
{
    private static readonly Dictionary<string, ElementType> ByName =
        Enum.GetValues<ElementType>().ToDictionary(t => t.SafetensorsName(), StringComparer.Ordinal);

    // Element types that other programs write to safetensors files and that we cannot hold yet.
    private static readonly string[] NotYet = ["C64", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4", "F8_E4M3FNUZ", "F8_E5M2FNUZ"];

    /// <summary>Bytes per element.</summary>
    public static int Size(this ElementType type) => type switch
    {
        ElementType.F64 or ElementType.I64 or ElementType.U64 => 8,
        ElementType.F32 or ElementType.I32 or ElementType.U32 => 4,
        ElementType.F16 or ElementType.BF16 or ElementType.I16 or ElementType.U16 => 2,
        _ => 1,
    };

    /// <summary>The name in a safetensors header: that of the enum, but F8_E4M3 and F8_E5M2.</summary>
    public static string SafetensorsName(this ElementType type) => type switch
    {
        ElementType.F8E4M3 => "F8_E4M3",
        ElementType.F8E5M2 => "F8_E5M2",
        _ => type.ToString(),
    };

    /// <summary>The names of all types we hold, for messages.</summary>
    internal static string Known => string.Join(", ", ByName.Keys);

    internal static bool TryParse(string name, out ElementType type) => ByName.TryGetValue(name, out type);

    internal static bool IsKnownElsewhere(string name) => NotYet.Contains(name);

    /// <summary>The type that stores <typeparamref name="T"/> as it is in memory.</summary>
    /// <exception cref="ArgumentException">No element type has the memory layout of <typeparamref name="T"/>.</exception>
    internal static ElementType Of<T>() => default(T) switch
    {
        double => ElementType.F64,
        float => ElementType.F32,
        Half => ElementType.F16,
        long => ElementType.I64,
        int => ElementType.I32,
        short => ElementType.I16,
        sbyte => ElementType.I8,
        ulong => ElementType.U64,
        uint => ElementType.U32,
        ushort => ElementType.U16,
        byte => ElementType.U8,
        bool => ElementType.BOOL,
        _ => throw new ArgumentException($"No stored element type is a {typeof(T).Name}; known: {Known}.", nameof(T)),
    };
}
