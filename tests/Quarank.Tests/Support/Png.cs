using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Quarank.Tests.Support;

/// <summary>A picture of 8 bits per channel, RGB or RGBA, as browsers make screenshots (PNG, ISO/IEC 15948).</summary>
internal sealed record Png(int Width, int Height, int Channels, byte[] Pixels)
{
    /// <summary>0 … 255, of red, green and blue alike.</summary>
    public double MeanBrightness() => Enumerable.Range(0, Width * Height).Average(i => (Pixels[i * Channels] + Pixels[i * Channels + 1] + Pixels[i * Channels + 2]) / 3.0);

    public int DistinctColours() => Enumerable.Range(0, Width * Height)
        .Select(i => Pixels[i * Channels] << 16 | Pixels[i * Channels + 1] << 8 | Pixels[i * Channels + 2]).Distinct().Count();

    public static Png Decode(byte[] file)
    {
        int width = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(16)), height = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(20));
        int channels = (file[24], file[25], file[28]) switch
        {
            (8, 2, 0) => 3,
            (8, 6, 0) => 4,
            _ => throw new NotSupportedException($"PNG with depth {file[24]}, colour type {file[25]}, interlace {file[28]}."),
        };
        using var packed = new MemoryStream();
        for (int at = 8; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            if (Encoding.ASCII.GetString(file, at + 4, 4) == "IDAT") packed.Write(file, at + 8, length);
            at += length + 12;
        }
        packed.Position = 0;
        using var unpacked = new ZLibStream(packed, CompressionMode.Decompress);
        int stride = width * channels;
        byte[] pixels = new byte[stride * height], row = new byte[stride + 1];
        for (int y = 0; y < height; y++)
        {
            unpacked.ReadExactly(row);
            for (int i = 0; i < stride; i++)
            {
                int left = i >= channels ? pixels[y * stride + i - channels] : 0, up = y > 0 ? pixels[(y - 1) * stride + i] : 0;
                int corner = i >= channels && y > 0 ? pixels[(y - 1) * stride + i - channels] : 0;
                int guess = row[0] switch { 0 => 0, 1 => left, 2 => up, 3 => (left + up) / 2, _ => Paeth(left, up, corner) };
                pixels[y * stride + i] = (byte)(row[i + 1] + guess);
            }
        }
        return new(width, height, channels, pixels);
    }

    private static int Paeth(int left, int up, int corner)
    {
        int guess = left + up - corner, a = Math.Abs(guess - left), b = Math.Abs(guess - up), c = Math.Abs(guess - corner);
        return a <= b && a <= c ? left : b <= c ? up : corner;
    }
}
