namespace Quarank.Numerics;

/// <summary>
/// Who does which piece of a job: pieces in rising order to whoever asks next, or a range for each member of the pool, who takes
/// from its front and, when that is done, from the back of the others' ranges.
/// </summary>
internal sealed class WorkPieces
{
    private PaddedNumber[] _ranges = [];    // first piece left in the high half, end in the low half
    private PaddedNumber _next;
    private int _count, _members;

    /// <param name="members">How many ranges; 0 gives pieces out in order.</param>
    public void Deal(int count, int members)
    {
        (_count, _members) = (count, members);
        if (members == 0)
        {
            _next.Value = 0;
            return;
        }
        if (_ranges.Length < members) _ranges = new PaddedNumber[members];
        for (int m = 0; m < members; m++)
            _ranges[m].Value = (long)count * m / members << 32 | (long)count * (m + 1) / members;
    }

    public bool TryTake(int member, out int piece)
    {
        if (_members == 0)
        {
            long next = Interlocked.Increment(ref _next.Value) - 1;
            piece = (int)Math.Min(next, _count);
            return next < _count;
        }
        if (TryTake(ref _ranges[member].Value, front: true, out piece)) return true;
        for (int m = 1; m < _members; m++)
            if (TryTake(ref _ranges[(member + m) % _members].Value, front: false, out piece)) return true;
        return false;
    }

    /// <summary>Gives out no more pieces, where they are given out in order.</summary>
    public void Drop()
    {
        if (_members == 0) Interlocked.Exchange(ref _next.Value, _count);
    }

    private static bool TryTake(ref long range, bool front, out int piece)
    {
        for (long seen = Volatile.Read(ref range); ;)
        {
            int first = (int)(seen >> 32), end = (int)seen;
            piece = front ? first : end - 1;
            if (first >= end) return false;
            long left = front ? seen + (1L << 32) : seen - 1, met = Interlocked.CompareExchange(ref range, left, seen);
            if (met == seen) return true;
            seen = met;
        }
    }
}
