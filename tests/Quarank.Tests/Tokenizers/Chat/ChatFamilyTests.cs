using Quarank.Tests.Support;
using Quarank.Tokenizers.Chat;
using Xunit;

namespace Quarank.Tests.Tokenizers.Chat;

/// <summary>
/// Templates written here in the way of the families whose own are not at hand, with the constructs that theirs use, and the text that
/// each family's model was trained on.
/// </summary>
public class ChatFamilyTests
{
    private const string Llama2 = """
        {% if messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}{% set system = messages[0]['content'] %}
        {%- else %}{% set turns = messages %}{% set system = false %}{% endif %}
        {%- for m in turns %}
        {%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate.') }}{% endif %}
        {%- if loop.index0 == 0 and system != false %}{% set content = '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + m['content'] %}
        {%- else %}{% set content = m['content'] %}{% endif %}
        {%- if m['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
        {%- elif m['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}
        {%- endfor %}
        """;

    private const string Mistral = """
        {%- if messages[0]["role"] == "system" %}
            {%- set system = messages[0]["content"] %}
            {%- set turns = messages[1:] %}
        {%- else %}
            {%- set turns = messages %}
        {%- endif %}
        {%- if not tools is defined %}
            {%- set tools = none %}
        {%- endif %}
        {%- set users = turns | selectattr("role", "equalto", "user") | list %}
        {%- set ns = namespace(index=0) %}
        {%- for m in turns %}
            {%- if not (m.role == "tool" or m.tool_calls is defined) %}
                {%- if (m["role"] == "user") != (ns.index % 2 == 0) %}
                    {{- raise_exception("Roles must alternate.") }}
                {%- endif %}
                {%- set ns.index = ns.index + 1 %}
            {%- endif %}
        {%- endfor %}
        {{- bos_token }}
        {%- for m in turns %}
            {%- if m["role"] == "user" %}
                {%- if tools is not none and (m == users[-1]) %}
                    {{- "[AVAILABLE_TOOLS] " + tools | tojson + "[/AVAILABLE_TOOLS]" }}
                {%- endif %}
                {%- if loop.last and system is defined %}
                    {{- "[INST] " + system + "\n\n" + m["content"] + "[/INST]" }}
                {%- else %}
                    {{- "[INST] " + m["content"] + "[/INST]" }}
                {%- endif %}
            {%- elif m["role"] == "assistant" %}
                {{- " " + m["content"] | trim + eos_token }}
            {%- endif %}
        {%- endfor %}
        """;

    private const string Mixtral =
        "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
        + "{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] + eos_token }}"
        + "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}";

    private const string Gemma2 = """
        {{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}
        {%- for m in messages %}{% if (m['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = m['role'] %}{% endif %}
        {{- '<start_of_turn>' + role + '\n' + m['content'] | trim + '<end_of_turn>\n' }}
        {%- endfor %}
        {%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}
        """;

    private const string Gemma3 = """
        {{ bos_token }}
        {%- if messages[0]['role'] == 'system' -%}
            {%- if messages[0]['content'] is string -%}
                {%- set first = messages[0]['content'] + '\n\n' -%}
            {%- else -%}
                {%- set first = messages[0]['content'][0]['text'] + '\n\n' -%}
            {%- endif -%}
            {%- set turns = messages[1:] -%}
        {%- else -%}
            {%- set first = "" -%}
            {%- set turns = messages -%}
        {%- endif -%}
        {%- for m in turns -%}
            {%- set role = "model" if m['role'] == 'assistant' else m['role'] -%}
            {{ '<start_of_turn>' + role + '\n' + (first if loop.first else "") }}
            {%- if m['content'] is string -%}
                {{ m['content'] | trim }}
            {%- elif m['content'] is iterable -%}
                {%- for item in m['content'] -%}{{ item['text'] | trim }}{%- endfor -%}
            {%- else -%}
                {{ raise_exception("Invalid content type") }}
            {%- endif -%}
            {{ '<end_of_turn>\n' }}
        {%- endfor -%}
        {%- if add_generation_prompt -%}
            {{ '<start_of_turn>model\n' }}
        {%- endif -%}
        """;

    private const string Llama31 = """
        {{- bos_token }}
        {%- if custom_tools is defined %}{% set tools = custom_tools %}{% endif %}
        {%- if not date_string is defined %}
            {%- if strftime_now is defined %}
                {%- set date_string = strftime_now("%d %b %Y") %}
            {%- else %}
                {%- set date_string = "26 Jul 2024" %}
            {%- endif %}
        {%- endif %}
        {%- if not tools is defined %}{% set tools = none %}{% endif %}

        {#- the first turn #}
        {%- if messages[0]['role'] == 'system' %}
            {%- set system = messages[0]['content']|trim %}
            {%- set messages = messages[1:] %}
        {%- else %}
            {%- set system = "" %}
        {%- endif %}
        {{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
        {%- if builtin_tools is defined or tools is not none %}
            {{- "Environment: ipython\n" }}
        {%- endif %}
        {{- "Today Date: " + date_string + "\n\n" }}
        {{- system }}
        {{- "<|eot_id|>" }}
        {%- for m in messages %}
            {%- if not (m.role == 'ipython' or m.role == 'tool' or 'tool_calls' in m) %}
                {{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n'+ m['content'] | trim + '<|eot_id|>' }}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
        {%- endif %}
        """;

    private static readonly ChatMessage System = ChatMessage.System("Be brief."), Hi = ChatMessage.User(" Hi "),
        Hello = ChatMessage.Assistant("Hello. "), Sum = ChatMessage.User("1+1?");

    [Fact]
    public void Llama_2_puts_the_system_turn_into_the_first_question() => Assert.Equal(
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n Hi [/INST] Hello. </s><s>[INST] 1+1? [/INST]",
        Render(Llama2, System, Hi, Hello, Sum));

    [Fact]
    public void Mistral_puts_the_system_turn_before_the_last_question() => Assert.Equal(
        "<s>[INST]  Hi [/INST] Hello.</s>[INST] Be brief.\n\n1+1?[/INST]",
        Render(Mistral, System, Hi, Hello, Sum));

    [Fact]
    public void Mixtral_has_no_system_turn()
    {
        Assert.Equal("<s>[INST]  Hi  [/INST] Hello. </s>[INST] 1+1? [/INST]", Render(Mixtral, Hi, Hello, Sum));
        var refusal = Assert.Throws<NotSupportedException>(() => Render(Mixtral, System, Hi));
        Assert.Contains("Only user and assistant roles are supported!", refusal.Message);
    }

    [Fact]
    public void Gemma_2_calls_the_assistant_model()
    {
        Assert.Equal(
            "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n<start_of_turn>user\n1+1?<end_of_turn>\n"
            + "<start_of_turn>model\n",
            Render(Gemma2, Hi, Hello, Sum));
        Assert.Contains("System role not supported", Assert.Throws<NotSupportedException>(() => Render(Gemma2, System, Hi)).Message);
    }

    [Fact]
    public void Gemma_3_puts_the_system_turn_into_the_first_question() => Assert.Equal(
        "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n<start_of_turn>user\n1+1?"
        + "<end_of_turn>\n<start_of_turn>model\n",
        Render(Gemma3, System, Hi, Hello, Sum));

    [Fact]
    public void Llama_3_1_tells_the_date() => Assert.Equal(
        "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: 02 Sep 2024\n\nBe brief.<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        Render(Llama31, System, Hi));

    [Theory]
    [InlineData(Llama2)]
    [InlineData(Mistral)]
    public void Turns_that_do_not_alternate_are_refused_with_the_template_s_own_words(string template) =>
        Assert.Contains("Roles must alternate.", Assert.Throws<NotSupportedException>(() => Render(template, Hi, Sum)).Message);

    [Fact]
    public void Templates_are_found_in_each_of_their_files_and_by_name()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(ChatTemplate.Load(folder.Path));
        Write("chat_template.json", """{"chat_template":"third"}""");
        Assert.Equal("third", Text());
        Write("tokenizer_config.json", """
            {"bos_token":{"content":"<s>"},"eos_token":"</s>","chat_template":[
              {"name":"default","template":"second"},{"name":"rag","template":"{{ bos_token }}{{ eos_token }}{{ unk_token }}"}]}
            """);
        Assert.Equal("second", Text());
        Assert.Equal("<s></s>", Text("rag"));
        Write("chat_template.jinja", "first\n");
        Assert.Equal("first", Text());
        Assert.Equal("third", Text(Write("own.jinja", "third")));
        Assert.Contains("default, rag", Assert.Throws<InvalidDataException>(() => Text("tool_use")).Message);

        string Write(string name, string text)
        {
            string path = Path.Combine(folder.Path, name);
            File.WriteAllText(path, text);
            return path;
        }
        string Text(string? name = null) => ChatTemplate.Load(folder.Path, name)!.Render([Hi]);
    }

    private static string Render(string source, params ChatMessage[] messages) =>
        new ChatTemplate(source, "here.jinja", new Dictionary<string, string> { ["bos_token"] = "<s>", ["eos_token"] = "</s>" })
            .Render(messages, clock: new Clock());

    private sealed class Clock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 9, 2, 12, 0, 0, TimeSpan.Zero);
    }
}
