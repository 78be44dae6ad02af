using System.Text;

namespace Quarank.Tokenizers.Jinja;

/// <summary>{% for a, b in items if condition %} … {% else %} … {% endfor %}.</summary>
internal sealed class For(
    Place place, IReadOnlyList<string> names, Expression items, Expression? condition, Body body, Body? otherwise) : Statement
{
    public override Flow Render(Scope scope, StringBuilder text)
    {
        var all = Operators.Items(items.Evaluate(scope), place);
        // The condition is asked before the loop counts its turns.
        if (condition is not null)
        {
            all = [.. all.Where(item =>
            {
                var asked = new Scope(scope);
                Set.Assign(asked, names, item, place);
                return Operators.IsTrue(condition.Evaluate(asked));
            })];
        }
        if (all.Count == 0) return otherwise?.Render(scope, text) ?? Flow.Next;
        for (int i = 0; i < all.Count; i++)
        {
            var turn = new Scope(scope);
            turn.Set("loop", Loop(all, i));
            Set.Assign(turn, names, all[i], place);
            if (body.Render(turn, text) == Flow.Break) break;
        }
        return Flow.Next;
    }

    private static Namespace Loop(IReadOnlyList<object?> all, int i) => new(new Dictionary<string, object?>
    {
        ["index"] = i + 1L,
        ["index0"] = (long)i,
        ["revindex"] = (long)all.Count - i,
        ["revindex0"] = (long)all.Count - i - 1,
        ["first"] = i == 0,
        ["last"] = i == all.Count - 1,
        ["length"] = (long)all.Count,
        ["previtem"] = i > 0 ? all[i - 1] : new Undefined("the item before the first"),
        ["nextitem"] = i + 1 < all.Count ? all[i + 1] : new Undefined("the item after the last"),
    });
}
