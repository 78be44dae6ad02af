using Quarank.Numerics;
using Xunit;

namespace Quarank.Tests.Numerics;

public sealed class BlasLibraryTests
{
    [Fact]
    public void The_library_here_is_named_and_right()
    {
        Assert.NotEmpty(BlasLibrary.Describe());
        BlasCheck.Run(BlasCheck.Native, "this");
    }

    [Fact]
    public void A_wrong_routine_of_each_kind_is_caught_with_the_advice()
    {
        BlasLibrary.Ready();
        var good = BlasCheck.Native;
        foreach (var (bad, what) in new[]
                 {
                     (good with { Single = (m, n, k, a, b, c) => { good.Single(m, n, k, a, b, c); c[m * n - 1] *= 1.001f; } }, "a float product"),
                     (good with { Single = (m, n, k, a, b, c) => c.AsSpan().Fill(float.NaN) }, "a float product"),
                     (good with { Double = (m, n, k, a, b, c) => { good.Double(m, n, k, a, b, c); c[n] += 1e-6; } }, "a double product"),
                     (good with { Factor = (_, _) => { } }, "a Cholesky factorization"),
                     (good with { Eigen = (n, a, values) => { good.Eigen(n, a, values); values[n - 1] *= 1.0001; } }, "a symmetric eigenproblem"),
                     (good with { Eigen = (n, a, values) => { good.Eigen(n, a, values); a.AsSpan(0, n).Clear(); } }, "a symmetric eigenproblem"),
                 })
        {
            string message = Assert.Throws<NotSupportedException>(() => BlasCheck.Run(bad, "libfoo.so")).Message;
            Assert.Contains($"libfoo.so computes {what} wrongly", message);
            Assert.Contains("OPENBLAS_CORETYPE=Haswell", message);
        }
    }

    [Fact]
    public void An_absent_library_is_one_line_with_the_command()
    {
        string message = Assert.Throws<NotSupportedException>(() => BlasLibrary.Find(["libno-such-blas.so.9"])).Message;
        Assert.StartsWith("No BLAS library", message);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("ID=ubuntu\nID_LIKE=debian\n", "apt-get install libopenblas0-pthread")]
    [InlineData("NAME=\"Debian\"\nID=debian\n", "apt-get install libopenblas0-pthread")]
    [InlineData("ID=fedora\n", "dnf install openblas")]
    [InlineData("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf install openblas")]
    [InlineData("ID=arch\n", "pacman -S openblas")]
    [InlineData("ID=manjaro\nID_LIKE=arch\n", "pacman -S openblas")]
    [InlineData("ID=alpine\n", "apk add openblas")]
    public void The_advice_fits_the_system(string release, string command)
    {
        Assert.Contains(command, BlasLibrary.InstallAdvice(false, false, release));
        Assert.Contains("brew install openblas", BlasLibrary.InstallAdvice(false, true, release));
        Assert.Contains("libopenblas.dll", BlasLibrary.InstallAdvice(true, false, release));
    }
}
