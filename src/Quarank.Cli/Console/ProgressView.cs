namespace Quarank.Cli.Console;

/// <summary>
/// How far a piece of work is and how long it will take, on standard error: one line that is drawn over when somebody looks,
/// otherwise a plain line every few seconds. Work that ends within a second leaves no trace.
/// </summary>
internal sealed class ProgressView : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1), Redraw = TimeSpan.FromSeconds(0.2),
        PlainEvery = TimeSpan.FromSeconds(5);

    private readonly Terminal _terminal;
    private readonly string _title;
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private double _first = double.NaN, _fraction, _shown;
    private long _firstAt;
    private string _detail = "";
    private bool _drawn, _done;

    /// <param name="time">The clock; null for the system's.</param>
    public ProgressView(Terminal terminal, string title, TimeProvider? time = null)
    {
        (_terminal, _title, _time) = (terminal, title, time ?? TimeProvider.System);
        var period = terminal.ErrorIsScreen ? Redraw : PlainEvery;
        _timer = _time.CreateTimer(_ => Draw(), null, terminal.ErrorIsScreen ? Patience : PlainEvery, period);
    }

    /// <summary>The work stands at <paramref name="fraction"/> of the whole, 0 … 1; <paramref name="detail"/> says at
    /// what.</summary>
    public void Report(double fraction, string detail)
    {
        lock (_gate)
        {
            // What an earlier attempt had finished took no time now: the clock of the estimate starts with the first report.
            if (double.IsNaN(_first)) (_first, _firstAt) = (fraction, _time.GetTimestamp());
            (_fraction, _detail) = (Math.Clamp(fraction, 0, 1), detail);
        }
    }

    /// <summary>A line that stays.</summary>
    public void WriteLine(string line)
    {
        lock (_gate)
        {
            Erase();
            _terminal.Error.WriteLine(line);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _done = true;
            Erase();
        }
        _timer.Dispose();
    }

    /// <summary>"compress  34 %  1 min 20 s left  block 3 of 30, mlp.down_proj".</summary>
    internal string Line()
    {
        double done = _fraction - _first, seconds = _time.GetElapsedTime(_firstAt).TotalSeconds;
        string left = done > 0.005 && seconds > 1 ? $"{Units.Duration(seconds * (1 - _fraction) / done)} left" : "estimating";
        return Units.Invariant(
            $"{_title}  {Math.Floor(_fraction * 100):0} %  {left}{(_detail.Length == 0 ? "" : "  ")}{_detail}");
    }

    private void Draw()
    {
        lock (_gate)
        {
            if (_done || double.IsNaN(_first)) return;
            string line = Line();
            if (!_terminal.ErrorIsScreen)
            {
                if (_fraction > _shown) _terminal.Error.WriteLine(line);
                _shown = _fraction;
                return;
            }
            const int barWidth = 20;
            int full = (int)(_fraction * barWidth), room = _terminal.Width() - barWidth - 3;
            if (line.Length > room) line = line[..Math.Max(room, 0)];
            _terminal.Error.Write($"\r{new string('━', full)}{new string('─', barWidth - full)}  {line}\e[K");
            _terminal.Error.Flush();
            _drawn = true;
        }
    }

    private void Erase()
    {
        if (!_drawn) return;
        _terminal.Error.Write("\r\e[K");
        _terminal.Error.Flush();
        _drawn = false;
    }
}
