using System.Text.Json;
using Quarank.Cli;
using Quarank.Tests.Support;
using Xunit;

namespace Quarank.Tests.Cli;

/// <summary>generate --chat.</summary>
public class ChatTests
{
    private const string Plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";

    [Fact]
    public void SmolLM2_answers_as_transformers_lets_it()
    {
        string folder = SmolLm2.Folder();
        var golden = JsonElement.Parse(File.ReadAllText(Shared.Find("golden", "smollm2-135m-instruct", "prompts.json"))).GetProperty("chat");
        string question = golden.GetProperty("messages")[0].GetProperty("content").GetString()!;
        var answer = Done(TheProgram.Run("generate", folder, "--chat", "--prompt", question, "--json")).Json;
        int[] expected = [.. golden.GetProperty("greedy_ids").EnumerateArray().Select(i => i.GetInt32())];
        Assert.Equal(expected[..^1], answer.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32()));
        Assert.Equal(golden.GetProperty("greedy_text").GetString(), answer.GetProperty("text").GetString() + "<|im_end|>");
        Assert.Equal("the answer ended", answer.GetProperty("ended").GetString());
    }

    [Fact]
    public void A_conversation_line_by_line_is_what_the_whole_of_it_as_a_prompt_gives()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["chat.jinja"], Plain);
        string[] chat = ["generate", TheProgram.Tales, "--chat", "--chat-template", folder["chat.jinja"], "--tokens", "9"];
        string[] answers = Done(TheProgram.RunWith("Once there was\n\nThe king said\n", [.. chat, "--system", "Tell.", "--json"]))
            .Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, answers.Length);
        string first = Text(answers[0]), second = Text(answers[1]);

        const string Begin = "system: Tell.\nuser: Once there was\nassistant:";
        Assert.Equal(Continued(Begin), first);
        Assert.Equal(Continued($"{Begin.Replace("assistant:", "")}assistant: {first}\nuser: The king said\nassistant:"), second);

        Assert.Equal(Continued("user: The king said\nassistant:"), Done(TheProgram.Run([.. chat, "--prompt", "The king said"])).Out[..^1]);
        Assert.Equal("", Done(TheProgram.RunWith("", chat)).Out);
    }

    [Fact]
    public void A_model_without_template_and_a_template_that_refuses_are_told_of()
    {
        var missing = TheProgram.Run("generate", TheProgram.Tales, "--chat", "--prompt", "x");
        Assert.Equal(Application.WrongInput, missing.Code);
        Assert.Contains("no chat template", missing.Error);

        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["chat.jinja"], "{% if messages[0].role == 'system' %}{{ raise_exception('No system turns.') }}{% endif %}" + Plain);
        var refused = TheProgram.Run("generate", TheProgram.Tales, "--chat", "--chat-template", folder["chat.jinja"], "--prompt", "x",
            "--system", "y");
        Assert.Equal(Application.WrongInput, refused.Code);
        Assert.Contains("No system turns.", refused.Error);

        var full = TheProgram.Run("generate", TheProgram.Tales, "--chat", "--chat-template", folder["chat.jinja"],
            "--prompt", string.Concat(Enumerable.Repeat("many words ", 1000)));
        Assert.Contains("leave no room for an answer", full.Error);
    }

    private static string Continued(string prompt) =>
        Done(TheProgram.Run("generate", TheProgram.Tales, "--prompt", prompt, "--no-prompt", "--tokens", "9")).Out[..^1];

    private static string Text(string json) => JsonElement.Parse(json).GetProperty("text").GetString()!;

    private static Outcome Done(Outcome outcome)
    {
        Assert.True(outcome.Code == Application.Success, outcome.ToString());
        return outcome;
    }
}
