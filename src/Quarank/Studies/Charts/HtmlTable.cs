using System.Globalization;
using System.Text;

namespace Quarank.Studies.Charts;

/// <summary>Which value of a column is marked as the best one.</summary>
public enum Best { None, Lowest, Highest }

/// <param name="Help">Said when the pointer rests on the head: what is measured, and how.</param>
/// <param name="Words">Text, set to the left; otherwise figures, set to the right.</param>
public sealed record TableColumn(string Title, string Help = "", Best Best = Best.None, bool Words = false);

/// <param name="Value">What sorts and competes; null: the text sorts, and nothing competes.</param>
/// <param name="Help">Said when the pointer rests on it.</param>
/// <param name="Alarm">Set apart, for what the reader must not overlook.</param>
public readonly record struct TableCell(string Text, double? Value = null, string? Help = null, bool Alarm = false)
{
    public static implicit operator TableCell(string text) => new(text);
}

/// <param name="Cells">One per column; fewer: the last one spans the rest, as a remark does.</param>
/// <param name="Group">Rows of one group compete with one another, as at one size.</param>
public sealed record TableRow(IReadOnlyList<TableCell> Cells, string Group = "");

/// <summary>A table whose heads sort it and whose best values are marked; it reads as well without scripts.</summary>
public sealed record HtmlTable(string Caption, IReadOnlyList<TableColumn> Columns, IReadOnlyList<TableRow> Rows)
{
    internal string ToHtml()
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"<div class=\"scroll\" tabindex=\"0\"><table><caption><span>{Drawing.Escape(Caption)}</span></caption><thead><tr>");
        foreach (var column in Columns)
        {
            string help = column.Help.Length > 0 ? $" title=\"{Drawing.Escape(column.Help)}\"" : "";
            html.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\"{Class(column.Words ? "words" : "")}{help}>{Drawing.Escape(column.Title)}</th>");
        }
        html.Append("</tr></thead><tbody>\n");
        string? group = null;
        foreach (var row in Rows)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr{Class(group != null && group != row.Group ? "next" : "")}>");
            for (int i = 0; i < row.Cells.Count; i++) html.Append(Cell(row, i));
            html.Append("</tr>\n");
            group = row.Group;
        }
        return html.Append("</tbody></table></div>\n").ToString();
    }

    private string Cell(TableRow row, int i)
    {
        var (text, value, help, alarm) = row.Cells[i];
        var column = Columns[i];
        bool best = IsBest(row, i);
        string classes = string.Join(' ', new[] { column.Words ? "words" : "", best ? "best" : "", alarm ? "alarm" : "" }.Where(c => c.Length > 0));
        int span = i == row.Cells.Count - 1 ? Columns.Count - i : 1;
        string attributes = Class(classes)
            + (span > 1 ? $" colspan=\"{span}\"" : "")
            + (value is { } v ? $" data-value=\"{v.ToString("R", CultureInfo.InvariantCulture)}\"" : "")
            + (help != null ? $" title=\"{Drawing.Escape(help)}\"" : "");
        string content = best ? $"<strong>{Drawing.Escape(text)}</strong>" : Drawing.Escape(text);
        return i == 0 ? $"<th scope=\"row\"{attributes}>{content}</th>" : $"<td{attributes}>{content}</td>";
    }

    private bool IsBest(TableRow row, int i)
    {
        if (Columns[i].Best == Best.None || row.Cells[i].Value is not { } value || !double.IsFinite(value)) return false;
        var rivals = Rows.Where(r => r.Group == row.Group && r.Cells.Count > i).Select(r => r.Cells[i].Value).OfType<double>()
            .Where(double.IsFinite).ToList();
        return rivals.Count > 1 && value == (Columns[i].Best == Best.Lowest ? rivals.Min() : rivals.Max());
    }

    private static string Class(string names) => names.Length > 0 ? $" class=\"{names}\"" : "";
}
