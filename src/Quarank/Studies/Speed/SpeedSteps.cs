namespace Quarank.Studies.Speed;

/// <summary>Runs the steps of a measurement and tells how far it is: every step counts as the tokens that it generates, and a prompt's tokens as a quarter.</summary>
internal sealed class SpeedSteps(int models, SpeedRequest request, bool tokenTimes, IProgress<SpeedProgress>? progress, CancellationToken cancel)
{
    private const double Loading = 40, TokenTimes = 200;
    private readonly double _all = models * (2 * Loading + (tokenTimes ? TokenTimes : 0) + request.Repetitions * request.Tests.Sum(Cost));
    private double _done;

    public T Load<T>(string model, Func<T> load) => Run(model, Loading, load);

    public T Token<T>(string model, Func<T> measure) => Run($"{model}, where a token's time goes", TokenTimes, measure);

    public void Time(string model, SpeedTest test, int round, Action action) =>
        Run($"{model}, {test.Name}, round {round + 1} of {request.Repetitions}", Cost(test), () =>
        {
            action();
            return true;
        });

    private T Run<T>(string what, double cost, Func<T> step)
    {
        cancel.ThrowIfCancellationRequested();
        progress?.Report(new(_done / _all, what));
        var result = step();
        _done += cost;
        return result;
    }

    private static double Cost(SpeedTest test) => test.Generates ? test.Tokens : test.Tokens / 4.0;
}
