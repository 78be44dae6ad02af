using Quarank.Tokenizers.Jinja;
using Xunit;

namespace Quarank.Tests.Tokenizers.Jinja;

/// <summary>What templates give: by the rules of Jinja with trim_blocks and lstrip_blocks; every line was worked out from them.</summary>
public class TemplateTests
{
    private static readonly Map Values = new()
    {
        ["name"] = "Ada",
        ["none_here"] = null,
        ["list"] = new Sequence([1L, "b", true, null]),
        ["map"] = new Map { ["x"] = 1L, ["items"] = "own", ["text"] = "say \"é\" <now>\n" },
        ["people"] = new Sequence([
            new Map { ["role"] = "user", ["age"] = 3L }, new Map { ["role"] = "tool", ["age"] = 4L }, new Map { ["role"] = "user" }]),
    };

    [Theory]
    [InlineData("a\n", "a")]
    [InlineData("a\n\n", "a\n")]
    [InlineData("a\r\nb", "a\nb")]
    [InlineData("{% if true %}\n  x\n{% endif %}\ny", "  x\ny")]
    [InlineData("a\n  {% if true %}x{% endif %}  \n", "a\nx  ")]
    [InlineData("a  {% if true %} x{% endif %}", "a   x")]
    [InlineData("  {%+ if true %}x{% endif +%}\ny", "  x\ny")]
    [InlineData("a\n {{- name -}} \n b", "aAdab")]
    [InlineData("a\n {%- if true -%} \n b {%- endif %}\n c", "ab c")]
    [InlineData("a {{ name }}\nb", "a Ada\nb")]
    [InlineData("a {# no {{ name }} #}\nb", "a b")]
    [InlineData("a\n  {#- no -#}  b", "ab")]
    [InlineData("{{ name }}\n  {{ name }}", "Ada\n  Ada")]
    [InlineData("{{ {'a': {'b': 2}} }}", "{'a': {'b': 2}}")]
    [InlineData("{", "{")]
    public void White_space_goes_by_the_signs_of_tags(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [InlineData("1 + 2 * 3 - 4 % 3", "6")]
    [InlineData("-7 // 2, -7 % 3, 7 / 2", "(-4, 2, 3.5)")]
    [InlineData("1 ~ 'a' ~ none ~ true", "1aNoneTrue")]
    [InlineData("'a' 'b' + \"c\\n\\u00e9\"", "abc\né")]
    [InlineData("1 if 0 else 2 if 1 else 3", "2")]
    [InlineData("('x' if false) is defined", "False")]
    [InlineData("not 1 == 2 and 3 or 4", "3")]
    [InlineData("0 or '' or 'z'", "z")]
    [InlineData("1 < 2 <= 2 != 3", "True")]
    [InlineData("(1 == true) == (2 == 2.0)", "True")]
    [InlineData("'b' in list and 'd' in name and 'x' in map and 'd' not in map", "True")]
    [InlineData("list", "[1, 'b', True, None]")]
    [InlineData("(1,), [], {}, \"it's\", 'a\\\\b', ['\"', \"'\"], 1.50", "((1,), [], {}, \"it's\", 'a\\\\b', ['\"', \"'\"], 1.5)")]
    [InlineData("name[0] ~ name[-1] ~ name[1:] ~ name[::-1] ~ name[:-1] ~ name[9:] ~ name[-2:9]", "AadaadAAdda")]
    [InlineData("list[1:3], list[::-2], list[5] is defined", "(['b', True], [None, 'b'], False)")]
    [InlineData("map.x + map['x']", "2")]
    [InlineData("map['items']", "own")]
    [InlineData("map.items()|length, map.keys()|list, map.get('y', 7), map.get('y')", "(3, ['x', 'items', 'text'], 7, None)")]
    [InlineData("none_here is none and none_here is defined and nothing is undefined and not nothing", "True")]
    [InlineData("nothing ~ nothing|length ~ nothing.x|default('d') if false else nothing|default('d')", "d")]
    [InlineData("' a b '.strip() ~ '|' ~ 'xxaxx'.strip('x') ~ '|' ~ 'xa'.lstrip('x') ~ '|' ~ ' a '.rstrip() ~ '|'", "a b|a|a| a|")]
    [InlineData("'a,b,c'.split(','), 'a,b,c'.split(',', 1), ' a  b '.split()", "(['a', 'b', 'c'], ['a', 'b,c'], ['a', 'b'])")]
    [InlineData("'abc'.startswith('ab') and 'abc'.endswith('bc') and not 'abc'.startswith('b')", "True")]
    [InlineData("'aBc dE'.upper() ~ 'aBc dE'.lower() ~ 'aBc dE'.title() ~ 'aBc dE'.capitalize()", "ABC DEabc deAbc DeAbc de")]
    [InlineData("'-'.join(['a', 'b']) ~ 'aXbX'.replace('X', 'yy') ~ 'abc'.find('c')", "a-bayybyy2")]
    public void Expressions_mean_what_they_do_in_Python(string expression, string expected) =>
        Assert.Equal(expected, Render($"{{{{ {expression} }}}}"));

    [Theory]
    [InlineData("'  a '|trim ~ 'ab'|upper ~ 'AB'|lower ~ 'ab'|capitalize", "aABabAb")]
    [InlineData("list|length ~ map|length ~ 'abc'|count", "433")]
    [InlineData("list|first ~ list|last|string ~ []|first|default('e')", "1Nonee")]
    [InlineData("[1, 'b']|join('-') ~ 'ab'|list ~ 'ab'|reverse", "1-b['a', 'b']ba")]
    [InlineData("-1|abs, '12'|int + 1, 2.9|int", "(1, 13, 2)")]
    [InlineData("''|default('d') ~ ''|default('d', true) ~ none|d('e', boolean=true)", "de")]
    [InlineData("map|tojson", "{\"x\": 1, \"items\": \"own\", \"text\": \"say \\\"é\\\" <now>\\n\"}")]
    [InlineData("[1.5, none, false, []]|tojson(indent=2)", "[\n  1.5,\n  null,\n  false,\n  []\n]")]
    [InlineData("{'b': 1, 'a': {}}|tojson(indent=4)", "{\n    \"b\": 1,\n    \"a\": {}\n}")]
    [InlineData("{'b': 1, 'a': 2}|dictsort, {'b': 1}|items|list", "([('a', 2), ('b', 1)], [('b', 1)])")]
    [InlineData("people|selectattr('role', 'equalto', 'user')|list|length ~ people|rejectattr('age', 'defined')|list|length", "21")]
    [InlineData("people|map(attribute='role')|join(',') ~ [' a ']|map('trim')|first", "user,tool,usera")]
    [InlineData("[1, 2, 3]|select('odd')|list ~ [0, 2]|reject|list ~ ['a']|reject('in', ['a'])|list", "[1, 3][0][]")]
    [InlineData("'a\\nb\\n\\nc'|indent(2)", "a\n  b\n\n  c")]
    [InlineData("3 is odd and 2 is even and 'a' is string and 1 is number and map is mapping and list is iterable and list is not mapping", "True")]
    [InlineData("1 is eq 1 and 1 is ne(2) and 1 is in [1] and true is boolean and true is true and range is callable", "True")]
    public void Filters_and_tests_give_their_values(string expression, string expected) =>
        Assert.Equal(expected, Render($"{{{{ {expression} }}}}"));

    [Theory]
    [InlineData("{% for x in list %}{{ loop.index0 }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}", "01,1b,2True,3None")]
    [InlineData("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}", "a=1;b=2;")]
    [InlineData("{% for x in range(5) if x % 2 %}{{ x }}{{ loop.length }}{{ loop.first }}{% endfor %}", "12True32False")]
    [InlineData("{% for x in [] %}x{% else %}empty{% endfor %}", "empty")]
    [InlineData("{% for x in range(9) %}{% if x == 1 %}{% continue %}{% elif x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}", "02")]
    [InlineData("{% set a = 1 %}{% for x in [1, 2] %}{{ a }}{% set a = a + x %}{{ a }}{% endfor %}{{ a }}", "12131")]
    [InlineData("{% set ns = namespace(n=1) %}{% for x in [1, 2] %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}", "4")]
    [InlineData("{% set a, b = 1, 'x' %}{{ b }}{{ a }}", "x1")]
    [InlineData("{% set a %}\n x{{ name }} {% endset %}{{ a|length }}", "6")]
    [InlineData("{% macro m(a, c, b='-') %}{{ a }}{{ b }}{{ c is defined }}{{ name }}{% endmacro %}{{ m(1) }}{{ m('x', c=2, b=3) }}", "1-FalseAdax3TrueAda")]
    [InlineData("{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "3210")]
    [InlineData("{% for x in [1, 2] %}{{ loop.previtem is defined }}{{ loop.nextitem|default('end') }}{{ loop.revindex }}{% endfor %}", "False22Trueend1")]
    [InlineData("{% generation %}x{% endgeneration %}", "x")]
    [InlineData("{{ strftime_now('%d %b %Y %H:%M %%') }}", "07 Mar 2025 04:05 %")]
    public void Statements_do_what_they_say(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [InlineData("{% include 'x' %}", "include")]
    [InlineData("{% raw %}{{ a }}{% endraw %}", "raw")]
    [InlineData("{{ 'a'|urlize }}", "urlize")]
    [InlineData("{{ 1 is divisibleby 3 }}", "divisibleby")]
    [InlineData("{{ cycler(1) }}", "cycler")]
    [InlineData("{{ name.zfill(3) }}", "zfill")]
    [InlineData("{{ 2 ** 3 }}", "**")]
    [InlineData("{{ map|tojson(sort_keys=true) }}", "sort_keys")]
    [InlineData("{{ 'x'.split(chars=1) }}", "chars")]
    [InlineData("{{ f(*list) }}", "*")]
    [InlineData("{% for x in list recursive %}{% endfor %}", "recursive")]
    [InlineData("{{ strftime_now('%j') }}", "%j")]
    [InlineData("{{ range(200000) }}", "range")]
    [InlineData("{{ raise_exception('no system turn') }}", "refuses these messages: no system turn")]
    public void What_is_not_supported_is_refused_by_name(string template, string part)
    {
        var refusal = Assert.Throws<NotSupportedException>(() => Render(template));
        Assert.Contains(part, refusal.Message);
        Assert.Contains("here.jinja", refusal.Message);
    }

    [Theory]
    [InlineData("a\n{{ x", "line 2")]
    [InlineData("{% if x %}", "endif")]
    [InlineData("{% endif %}", "to begin")]
    [InlineData("{% for x in list %}{% endif %}", "endfor")]
    [InlineData("{{ 'a }}", "never ends")]
    [InlineData("{# a", "never ends")]
    [InlineData("{{ 1 + }}", "expected a value")]
    [InlineData("{{ ! }}", "no meaning")]
    [InlineData("{% break %}", "outside of a loop")]
    [InlineData("{{ nothing.x }}", "'nothing' is not defined")]
    [InlineData("{{ 'a' + 1 }}", "a text + a number")]
    [InlineData("{{ 'a' < 1 }}", "no order")]
    [InlineData("{{ 1 // 0 }}", "zero")]
    [InlineData("{% set map.x = 2 %}", "namespace")]
    [InlineData("{{ 9223372036854775807 + 1 }}", "too large")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "deep")]
    public void What_is_wrong_is_named_with_its_line(string template, string part) =>
        Assert.Contains(part, Assert.Throws<InvalidDataException>(() => Render(template)).Message);

    [Fact]
    public void Nesting_without_end_is_refused_before_it_ends_the_program()
    {
        foreach (string deep in (string[])["{{ " + new string('(', 100_000) + new string(')', 100_000) + "}}", "{{ " + string.Concat(Enumerable.Repeat("not ", 100_000)) + "}}",
            "{{ " + string.Concat(Enumerable.Repeat("- ", 100_000)) + "}}", string.Concat(Enumerable.Repeat("{% if a %}", 100_000))])
            Assert.Contains("deep", Assert.Throws<InvalidDataException>(() => Render(deep)).Message);
    }

    private static string Render(string template) =>
        Template.Parse(template, "here.jinja").Render(Values, new DateTime(2025, 3, 7, 4, 5, 6));
}
