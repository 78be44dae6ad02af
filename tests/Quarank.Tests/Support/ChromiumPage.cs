using System.Text.Json.Nodes;

namespace Quarank.Tests.Support;

/// <summary>A page in <see cref="Chromium"/>: what it complains of, what it asks for, how it looks.</summary>
internal sealed class ChromiumPage(Chromium browser, string session)
{
    public async Task Load(string path, int width, int height, bool dark)
    {
        foreach (string domain in new[] { "Page", "Runtime", "Network", "Log" }) await Ask($"{domain}.enable");
        await Ask("Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = false });
        await Emulate("screen", dark);
        await Ask("Page.navigate", new { url = new Uri(path).AbsoluteUri });
        for (int wait = 0; ; wait++)
        {
            if (Events("Page.loadEventFired").Any()) return;
            if (wait == 1800) throw new TimeoutException($"{path} was not loaded within 90 seconds.");
            await Task.Delay(50);
        }
    }

    /// <summary>As a reader's theme, or a printer, has it.</summary>
    public Task Emulate(string media, bool dark) => Ask("Emulation.setEmulatedMedia",
        new { media, features = new[] { new { name = "prefers-color-scheme", value = dark ? "dark" : "light" } } });

    /// <summary>What a script returns, as JSON.</summary>
    public async Task<JsonNode?> Evaluate(string script)
    {
        var answer = await Ask("Runtime.evaluate", new { expression = script, returnByValue = true, awaitPromise = true });
        if (answer["exceptionDetails"] is { } wrong) throw new InvalidOperationException(wrong.ToJsonString());
        return answer["result"]!["value"];
    }

    /// <summary>Errors in scripts, on the console, and what the page's policy forbade.</summary>
    public IReadOnlyList<string> Complaints() =>
    [
        .. Events("Runtime.exceptionThrown").Select(e => e.ToJsonString()),
        .. Events("Runtime.consoleAPICalled").Where(e => e["params"]!["type"]!.GetValue<string>() is "error" or "warning" or "assert").Select(e => e.ToJsonString()),
        .. Events("Log.entryAdded").Select(e => e["params"]!["entry"]!["text"]!.GetValue<string>()),
    ];

    /// <summary>All addresses asked for; those inside the page itself (data:) are none.</summary>
    public IReadOnlyList<string> Requests() =>
    [
        .. Events("Network.requestWillBeSent").Select(e => e["params"]!["request"]!["url"]!.GetValue<string>())
            .Where(url => !url.StartsWith("data:", StringComparison.Ordinal)),
    ];

    /// <summary>The window as a picture.</summary>
    public async Task<Png> Screenshot() =>
        Png.Decode(Convert.FromBase64String((await Ask("Page.captureScreenshot", new { format = "png" }))["data"]!.GetValue<string>()));

    private IEnumerable<JsonNode> Events(string method) => browser.Events(session).Where(e => e["method"]!.GetValue<string>() == method);

    private Task<JsonNode> Ask(string method, object? parameters = null) => browser.Ask(method, parameters, session);
}
