namespace Quarank.Checkpoints;

/// <summary>The number types of a stored tensor, by their safetensors names.</summary>
public enum ElementType { F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, F8E4M3, F8E5M2 }
