namespace Quarank.Studies;

/// <summary>Whether two figures rise together.</summary>
internal static class Correlation
{
    /// <summary>Spearman's: the correlation of the ranks, ties sharing their mean rank; 0 where one of the two does not vary.</summary>
    public static double OfRanks(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        double[] a = Ranks(x), b = Ranks(y);
        double mean = (a.Length - 1) / 2.0;
        double ab = a.Zip(b, (p, q) => (p - mean) * (q - mean)).Sum(), aa = a.Sum(p => (p - mean) * (p - mean)), bb = b.Sum(q => (q - mean) * (q - mean));
        return aa > 0 && bb > 0 ? ab / Math.Sqrt(aa * bb) : 0;
    }

    private static double[] Ranks(IReadOnlyList<double> values)
    {
        int[] order = [.. Enumerable.Range(0, values.Count).OrderBy(i => values[i])];
        var ranks = new double[values.Count];
        for (int first = 0, end; first < order.Length; first = end)
        {
            end = first + 1;
            while (end < order.Length && values[order[end]] == values[order[first]]) end++;
            for (int i = first; i < end; i++) ranks[order[i]] = (first + end - 1) / 2.0;
        }
        return ranks;
    }
}
