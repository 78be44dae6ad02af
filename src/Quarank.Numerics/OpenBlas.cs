using System.Runtime.InteropServices;

namespace Quarank.Numerics;

/// <summary>
/// The native routines, one a line: CBLAS (row-major) and LAPACK by its Fortran names (column-major, everything by reference).
/// Nothing here checks lengths; call <see cref="BlasLibrary.Ready"/> first.
/// </summary>
internal static partial class OpenBlas
{
    /// <summary>No file has this name: a call before <see cref="BlasLibrary.Ready"/> fails, and never finds another BLAS of the system.</summary>
    public const string Library = "quarank-blas";
    public const int RowMajor = 101, NoTranspose = 111, Transpose = 112;
    public const int Upper = 121, Lower = 122, NonUnit = 131, Left = 141, Right = 142;

    [LibraryImport(Library, EntryPoint = "cblas_sgemm")]
    public static partial void Sgemm(int order, int transA, int transB, int m, int n, int k, float alpha,
        ReadOnlySpan<float> a, int lda, ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc);

    [LibraryImport(Library, EntryPoint = "cblas_dgemm")]
    public static partial void Dgemm(int order, int transA, int transB, int m, int n, int k, double alpha,
        ReadOnlySpan<double> a, int lda, ReadOnlySpan<double> b, int ldb, double beta, Span<double> c, int ldc);

    [LibraryImport(Library, EntryPoint = "cblas_ssyrk")]
    public static partial void Ssyrk(int order, int uplo, int trans, int n, int k, float alpha, ReadOnlySpan<float> a, int lda,
        float beta, Span<float> c, int ldc);

    [LibraryImport(Library, EntryPoint = "cblas_dsyrk")]
    public static partial void Dsyrk(int order, int uplo, int trans, int n, int k, double alpha, ReadOnlySpan<double> a, int lda,
        double beta, Span<double> c, int ldc);

    [LibraryImport(Library, EntryPoint = "cblas_strsm")]
    public static partial void Strsm(int order, int side, int uplo, int trans, int diag, int m, int n, float alpha,
        ReadOnlySpan<float> a, int lda, Span<float> b, int ldb);

    [LibraryImport(Library, EntryPoint = "cblas_strmm")]
    public static partial void Strmm(int order, int side, int uplo, int trans, int diag, int m, int n, float alpha,
        ReadOnlySpan<float> a, int lda, Span<float> b, int ldb);

    [LibraryImport(Library, EntryPoint = "cblas_dtrsm")]
    public static partial void Dtrsm(int order, int side, int uplo, int trans, int diag, int m, int n, double alpha,
        ReadOnlySpan<double> a, int lda, Span<double> b, int ldb);

    [LibraryImport(Library, EntryPoint = "cblas_dtrmm")]
    public static partial void Dtrmm(int order, int side, int uplo, int trans, int diag, int m, int n, double alpha,
        ReadOnlySpan<double> a, int lda, Span<double> b, int ldb);

    [LibraryImport(Library, EntryPoint = "spotrf_")]
    public static partial void Spotrf(in byte uplo, in int n, Span<float> a, in int lda, ref int info);

    [LibraryImport(Library, EntryPoint = "dpotrf_")]
    public static partial void Dpotrf(in byte uplo, in int n, Span<double> a, in int lda, ref int info);

    [LibraryImport(Library, EntryPoint = "dtrtri_")]
    public static partial void Dtrtri(in byte uplo, in byte diag, in int n, Span<double> a, in int lda, ref int info);

    [LibraryImport(Library, EntryPoint = "dgeqrf_")]
    public static partial void Dgeqrf(in int m, in int n, Span<double> a, in int lda, Span<double> tau,
        Span<double> work, in int lwork, ref int info);

    [LibraryImport(Library, EntryPoint = "dorgqr_")]
    public static partial void Dorgqr(in int m, in int n, in int k, Span<double> a, in int lda, ReadOnlySpan<double> tau,
        Span<double> work, in int lwork, ref int info);

    [LibraryImport(Library, EntryPoint = "dsyevd_")]
    public static partial void Dsyevd(in byte jobz, in byte uplo, in int n, Span<double> a, in int lda, Span<double> w,
        Span<double> work, in int lwork, Span<int> iwork, in int liwork, ref int info);

    [LibraryImport(Library, EntryPoint = "ssyevd_")]
    public static partial void Ssyevd(in byte jobz, in byte uplo, in int n, Span<float> a, in int lda, Span<float> w,
        Span<float> work, in int lwork, Span<int> iwork, in int liwork, ref int info);

    [LibraryImport(Library, EntryPoint = "dsyevr_")]
    public static partial void Dsyevr(in byte jobz, in byte range, in byte uplo, in int n, Span<double> a, in int lda,
        in double vl, in double vu, in int il, in int iu, in double abstol, ref int found, Span<double> w,
        Span<double> z, in int ldz, Span<int> isuppz, Span<double> work, in int lwork, Span<int> iwork, in int liwork, ref int info);

    [LibraryImport(Library, EntryPoint = "ssyevr_")]
    public static partial void Ssyevr(in byte jobz, in byte range, in byte uplo, in int n, Span<float> a, in int lda,
        in float vl, in float vu, in int il, in int iu, in float abstol, ref int found, Span<float> w,
        Span<float> z, in int ldz, Span<int> isuppz, Span<float> work, in int lwork, Span<int> iwork, in int liwork, ref int info);

    [LibraryImport(Library, EntryPoint = "dgesdd_")]
    public static partial void Dgesdd(in byte jobz, in int m, in int n, Span<double> a, in int lda, Span<double> s,
        Span<double> u, in int ldu, Span<double> vt, in int ldvt, Span<double> work, in int lwork, Span<int> iwork, ref int info);
}
