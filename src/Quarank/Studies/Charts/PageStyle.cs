namespace Quarank.Studies.Charts;

/// <summary>How pages look, and the little script that sorts their tables.</summary>
internal static class PageStyle
{
    public const string Sheet = $$$"""
        *{box-sizing:border-box}
        html{background:var(--paper);color:var(--ink);font:15px/1.5 {{{ChartStyle.Font}}};-webkit-text-size-adjust:100%}
        body{margin:0 auto;padding:24px 24px 64px;max-width:1280px}
        h1{font-size:26px;line-height:1.25;margin:0 0 12px}
        h2{font-size:19px;margin:44px 0 6px;padding-top:10px;border-top:1px solid var(--grid)}
        h3{font-size:16px;margin:26px 0 4px}
        h4{font-size:14px;margin:18px 0 2px}
        p{max-width:78ch;margin:6px 0 12px}
        nav{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:14px;margin-bottom:4px}
        a{color:var(--t0)}
        dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:8px 28px;margin:12px 0}
        dt{color:var(--soft);font-size:12px}
        dd{margin:0;overflow-wrap:anywhere}
        .scroll{overflow-x:auto;margin:12px 0}
        table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;min-width:min(100%,640px)}
        caption{text-align:left;color:var(--soft);padding-bottom:6px}
        caption span{display:block;max-width:min(78ch,calc(100vw - 36px))}
        th,td{padding:4px 10px;text-align:right;font-weight:400;white-space:nowrap;border-bottom:1px solid var(--grid)}
        thead th{color:var(--soft);vertical-align:bottom;white-space:normal;border-bottom:1px solid var(--axis);line-height:1.25;min-width:64px}
        thead th[data-sorts]{cursor:pointer}
        thead th[aria-sort=ascending]::after{content:" ▲"}
        thead th[aria-sort=descending]::after{content:" ▼"}
        th.words,td.words,td[colspan]{text-align:left}
        td.words{white-space:normal;min-width:150px;max-width:230px}
        tbody th{position:sticky;left:0;background:var(--paper);min-width:110px;max-width:260px;white-space:normal;overflow-wrap:break-word}
        td[colspan]{white-space:normal;color:var(--soft)}
        tr.next>*{border-top:2px solid var(--axis)}
        .best strong{font-weight:700;border-bottom:2px solid var(--t2)}
        .alarm{color:var(--t1)}
        pre{overflow:auto;font:12px/1.45 ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;background:var(--lane);padding:10px;max-height:420px}
        figure{margin:12px 0;min-width:0}
        .chart{display:block;max-width:100%;height:auto}
        .chart.narrow{display:none}
        .figures{display:flex;flex-wrap:wrap;gap:14px 20px;align-items:flex-start;margin:10px 0}
        .figures figure{margin:0}
        .legend{display:flex;flex-wrap:wrap;gap:2px 20px;list-style:none;margin:8px 0 0;padding:0;flex-basis:100%;font-size:13px}
        .legend li{display:flex;align-items:center;gap:6px}
        details{margin:10px 0;border-left:3px solid var(--grid);padding-left:14px}
        summary{cursor:pointer;font-weight:600}
        @media (max-width:660px){body{padding:16px 16px 48px}.chart.wide{display:none}.chart.narrow{display:block}tbody th{max-width:130px}h1{font-size:22px}}
        @media print{body{max-width:none;padding:0}nav,summary::marker{display:none}.scroll{overflow:visible}table{font-size:9px}th,td{padding:2px 4px;white-space:normal}thead th{min-width:0}
        figure,tr{break-inside:avoid}h2,h3,h4{break-after:avoid}tbody th{position:static}pre{max-height:none;white-space:pre-wrap}}

        """;

    /// <summary>A click on a head, or Enter, sorts by its column; figures by value, those that are none last.</summary>
    public const string Script = """
        for (const table of document.querySelectorAll('table')) {
          const body = table.tBodies[0];
          [...table.tHead.rows[0].cells].forEach((head, column) => {
            head.dataset.sorts = '';
            head.tabIndex = 0;
            const sort = () => {
              const down = head.getAttribute('aria-sort') === 'ascending';
              for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
              head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
              const key = row => {
                const cell = row.cells[column];
                if (!cell) return null;
                if (cell.dataset.value === undefined) return cell.textContent;
                const value = Number(cell.dataset.value);
                return Number.isFinite(value) ? value : null;
              };
              const compare = (a, b) => {
                const x = key(a), y = key(b);
                if (x === null || y === null) return (x === null) - (y === null);
                const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y), 'en', { numeric: true });
                return down ? -order : order;
              };
              for (const row of [...body.rows].sort(compare)) { row.classList.remove('next'); body.append(row); }
            };
            head.addEventListener('click', sort);
            head.addEventListener('keydown', event => { if (event.key === 'Enter') sort(); });
          });
        }

        """;
}
