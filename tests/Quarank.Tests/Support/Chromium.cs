using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Quarank.Tests.Support;

/// <summary>
/// A headless Chromium of its own, with an empty profile, spoken to by the DevTools protocol. One serves all tests of a class; a
/// machine without one skips them by name.
/// </summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90); // machines under load are slow to start a browser
    private readonly TemporaryFolder _profile = new();
    private readonly ClientWebSocket _socket = new();
    private readonly Dictionary<int, TaskCompletionSource<JsonNode>> _answers = [];
    private readonly List<JsonNode> _events = [];
    private readonly CancellationTokenSource _end = new();
    private Process? _process;
    private Task _reading = Task.CompletedTask;
    private int _last;

    /// <summary>The program's path; null where there is none.</summary>
    public static string? Find() => $"/usr/bin{Path.PathSeparator}{Environment.GetEnvironmentVariable("PATH")}".Split(Path.PathSeparator)
        .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    public async ValueTask InitializeAsync()
    {
        if (Find() is not { } program) return;
        _process = Process.Start(new ProcessStartInfo(program,
            ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--remote-debugging-port=0", $"--user-data-dir={_profile.Path}", "about:blank"])
        { RedirectStandardError = true, RedirectStandardOutput = true })!;
        string address = await AddressOf(_process).WaitAsync(Patience);
        _process.ErrorDataReceived += (_, _) => { }; // keeps the pipe from filling
        await _socket.ConnectAsync(new(address), _end.Token).WaitAsync(Patience);
        _reading = Read();
    }

    /// <summary>Opens a page of its own; skips the test where there is no browser.</summary>
    internal async Task<ChromiumPage> Open(string path, int width, int height, bool dark)
    {
        Assert.SkipWhen(_process == null, $"needs a browser: none of {string.Join(", ", Names)} is installed");
        var target = await Ask("Target.createTarget", new { url = "about:blank" });
        var session = await Ask("Target.attachToTarget", new { targetId = target["targetId"]!.GetValue<string>(), flatten = true });
        var page = new ChromiumPage(this, session["sessionId"]!.GetValue<string>());
        await page.Load(path, width, height, dark);
        return page;
    }

    internal async Task<JsonNode> Ask(string method, object? parameters = null, string? session = null)
    {
        int id = Interlocked.Increment(ref _last);
        var answer = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_answers) _answers[id] = answer;
        byte[] message = JsonSerializer.SerializeToUtf8Bytes(session == null
            ? (object)new { id, method, @params = parameters ?? new { } } : new { id, method, @params = parameters ?? new { }, sessionId = session });
        await _socket.SendAsync(message, WebSocketMessageType.Text, true, _end.Token);
        var reply = await answer.Task.WaitAsync(Patience);
        return reply["result"] ?? throw new InvalidOperationException($"{method}: {reply["error"]?.ToJsonString()}");
    }

    /// <summary>What a page's session has reported so far.</summary>
    internal IReadOnlyList<JsonNode> Events(string session)
    {
        lock (_events) return [.. _events.Where(e => e["sessionId"]?.GetValue<string>() == session)];
    }

    public async ValueTask DisposeAsync()
    {
        if (_process != null)
        {
            try
            {
                await Ask("Browser.close");
                await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
            }
            catch (Exception e) when (e is TimeoutException or WebSocketException or InvalidOperationException or OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync();
            }
            await _end.CancelAsync();
            await _reading;
            _process.Dispose();
        }
        _socket.Dispose();
        _end.Dispose();
        for (int attempt = 0; attempt < 20; attempt++)
        {
            try
            {
                _profile.Dispose();
                return;
            }
            catch (IOException) // a last child of the browser still writes
            {
                await Task.Delay(100);
            }
        }
    }

    private static async Task<string> AddressOf(Process process)
    {
        process.BeginOutputReadLine();
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) =>
        {
            const string sign = "DevTools listening on ";
            if (line.Data == null) found.TrySetException(new InvalidOperationException("The browser ended before it listened."));
            else if (line.Data.Contains(sign, StringComparison.Ordinal)) found.TrySetResult(line.Data[(line.Data.IndexOf(sign, StringComparison.Ordinal) + sign.Length)..]);
        };
        process.BeginErrorReadLine();
        return await found.Task;
    }

    private async Task Read()
    {
        byte[] buffer = new byte[1 << 16];
        try
        {
            while (_socket.State == WebSocketState.Open)
            {
                using var message = new MemoryStream();
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer.AsMemory(), _end.Token);
                    message.Write(buffer, 0, part.Count);
                }
                while (!part.EndOfMessage);
                if (message.Length > 0) Receive(JsonNode.Parse(message.ToArray())!);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            lock (_answers)
            {
                foreach (var answer in _answers.Values) answer.TrySetException(new InvalidOperationException("The browser is gone.", e));
            }
        }
    }

    private void Receive(JsonNode message)
    {
        if (message["id"] is { } id)
        {
            lock (_answers)
            {
                if (_answers.Remove(id.GetValue<int>(), out var answer)) answer.TrySetResult(message);
            }
            return;
        }
        lock (_events) _events.Add(message);
    }
}
