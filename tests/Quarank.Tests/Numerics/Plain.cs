using Quarank.Numerics;

namespace Quarank.Tests.Numerics;

/// <summary>Second opinions in plain loops, and matrices to try them on.</summary>
internal static class Plain
{
    public static Matrix<double> Random(int rows, int columns, int seed = 0)
    {
        var random = new Random(seed);
        var m = new Matrix<double>(rows, columns);
        foreach (ref double v in m.Data) v = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return m;
    }

    public static Matrix<double> Product(Matrix<double> a, Matrix<double> b)
    {
        var c = new Matrix<double>(a.Rows, b.Columns);
        for (int i = 0; i < a.Rows; i++)
        {
            var (row, sums) = (a.Row(i).ToArray(), new double[b.Columns]);
            for (int k = 0; k < row.Length; k++)
            {
                var other = b.Row(k);
                double factor = row[k];
                for (int j = 0; j < sums.Length; j++) sums[j] += factor * other[j];
            }
            sums.CopyTo(c.Row(i));
        }
        return c;
    }

    public static Matrix<double> Transpose(Matrix<double> a)
    {
        var t = new Matrix<double>(a.Columns, a.Rows);
        for (int i = 0; i < a.Rows; i++)
            for (int j = 0; j < a.Columns; j++) t[j, i] = a[i, j];
        return t;
    }

    public static Matrix<float> ToSingle(Matrix<double> a) => new(a.Rows, a.Columns, Array.ConvertAll(a.Data.ToArray(), v => (float)v));

    public static Matrix<double> ToDouble(Matrix<float> a) => new(a.Rows, a.Columns, Array.ConvertAll(a.Data.ToArray(), v => (double)v));

    public static Matrix<double> Identity(int n)
    {
        var m = new Matrix<double>(n, n);
        for (int i = 0; i < n; i++) m[i, i] = 1;
        return m;
    }

    /// <summary>‖a − b‖_F / ‖a‖_F.</summary>
    public static double Error(Matrix<double> a, Matrix<double> b)
    {
        if ((a.Rows, a.Columns) != (b.Rows, b.Columns)) return double.PositiveInfinity;
        double difference = 0, size = 0;
        for (int i = 0; i < a.Data.Length; i++)
        {
            difference += (a.Data[i] - b.Data[i]) * (a.Data[i] - b.Data[i]);
            size += a.Data[i] * a.Data[i];
        }
        return difference == 0 ? 0 : Math.Sqrt(difference / size);
    }
}
