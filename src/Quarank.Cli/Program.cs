using System.Runtime.InteropServices;
using Quarank.Cli;
using Quarank.Cli.Console;

using var stop = new CancellationTokenSource();
string command = args.FirstOrDefault() ?? "";
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
return Application.Run(args, Terminal.OfProcess(stop.Token));

// The command ends by itself at its next safe place; should that be far, or the signal come again, the process ends here. A run
// folder
// bears that, as it bears a power cut.
void End(PosixSignalContext context)
{
    context.Cancel = true;
    if (stop.IsCancellationRequested) Exit();
    stop.Cancel();
    _ = Task.Delay(TimeSpan.FromSeconds(3)).ContinueWith(_ => Exit(), TaskScheduler.Default);
}

void Exit()
{
    Console.Error.WriteLine(Application.StoppedLine(command));
    Environment.Exit(Application.Stopped);
}
