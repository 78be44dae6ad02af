using System.Runtime.InteropServices;

namespace Quarank.Numerics;

/// <summary>A number with cache lines to itself (processors fetch lines in pairs), for one that several threads write.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct PaddedNumber
{
    [FieldOffset(128)] public long Value;
}
