"""The frame of the page: one HTML file with its styles and a script that sorts tables."""

import base64
import html
from string import Template

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1d1d1f;
       background: #fff; max-width: 68rem; margin: 1.5rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .2rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0 0 .4rem; }
p.sub, figcaption, .note { color: #55555c; font-size: .9rem; }
.answer { background: #f0f5fa; border-left: 4px solid #0072B2; padding: .7rem 1rem; border-radius: 4px;
          font-size: 1.1rem; font-weight: 600; margin: 1rem 0; }
.warn { background: #fdf3e7; border-left: 4px solid #D55E00; padding: .5rem 1rem; border-radius: 4px; }
.warn ul { margin: .3rem 0; padding-left: 1.2rem; }
.target { border: 1px solid #d5d5dc; border-radius: 6px; padding: .9rem 1rem; margin: 1rem 0; }
.target dt { font-weight: 600; margin-top: .5rem; }
.target dd { margin: 0; }
.use dd:first-of-type { font-size: 1.05rem; }
dl.method dt { font-weight: 600; margin-top: .5rem; } dl.method dd { margin-left: 1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 1rem;
           align-items: start; margin-top: .8rem; }
figure { margin: 0; } img { max-width: 100%; height: auto; }
.three { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr)); gap: .6rem;
         margin: .7rem 0; }
.three div { background: #f6f6f8; border-radius: 4px; padding: .5rem .7rem; font-size: .92rem; }
.three div.best { outline: 2px solid #0072B2; }
.three b { display: block; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
pre { background: #f6f6f8; border-radius: 4px; padding: .7rem .9rem; overflow-x: auto; font-size: .85rem;
      white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #e3e3e8; white-space: nowrap; }
th { border-bottom: 2px solid #b9b9c0; font-weight: 600; vertical-align: bottom; white-space: normal; }
td.text, th.text { text-align: left; }
td.wrap { white-space: normal; overflow-wrap: anywhere; min-width: 9rem; }
th button { all: unset; cursor: pointer; } th button:focus-visible { outline: 2px solid #0072B2; }
th[aria-sort=ascending] button::after { content: " \\2191"; }
th[aria-sort=descending] button::after { content: " \\2193"; }
.tag { padding: .05rem .5rem; border-radius: .8rem; font-weight: 600; }
.good { background: #d5e8f5; color: #00406b; } .bad { background: #fbe0d2; color: #8c3300; }
.even { background: #ececf0; color: #444; } .none { color: #666; }
b.low { text-decoration: underline; text-underline-offset: 3px; }
details { margin: .8rem 0; } summary { cursor: pointer; font-weight: 600; }
@media print {
  body { margin: 0; max-width: none; font-size: 11pt; }
  figure, .three div, .warn, pre { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; } th, td { padding: .15rem .3rem; font-size: 8.5pt; white-space: normal; }
  .figures { grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); }
}
"""

SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = row => row.cells[i].dataset.value ?? row.cells[i].textContent;
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)], [p, q] = [parseFloat(x), parseFloat(y)];
        const numbers = !isNaN(p) && !isNaN(q);
        return numbers ? p - q : !isNaN(p) ? -1 : !isNaN(q) ? 1 : x.localeCompare(y);
      });
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}
"""

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<h1>$title</h1>
<p class="sub">$subtitle</p>
<p class="answer">$answer</p>
$targets
<h2>What to beware of</h2>
$beware
<h2>Use this model</h2>
$model
<h2>Which source helped</h2>
$sources
<h2>All learners</h2>
$summary
<h2>Checks of the data</h2>
$checks
<h2>How each number was obtained</h2>
<dl class="method">$method</dl>
<h2>The data</h2>
$data
<h2>Settings and versions</h2>
<dl class="method">$settings</dl>
<details><summary>Every result ($n_results rows, the same as portability.csv)</summary>
$results</details>
<script>$script</script>
</body>
</html>
""")


def fill(**parts):
    """Put the parts into the page; they are HTML."""
    return PAGE.substitute(style=STYLE, script=SCRIPT, **parts)


def escape(value):
    """Write any value as text that HTML takes literally."""
    return html.escape(str(value))


def figure(png, what, caption=""):
    """Return a figure with its description."""
    data = base64.b64encode(png).decode("ascii")
    text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img alt="{escape(what)}" src="data:image/png;base64,{data}">{text}</figure>'


def items(texts):
    """Return a list of texts."""
    return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>"


def terms(pairs):
    """Return the terms of a definition list and what they mean."""
    return "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in pairs)


class Cell:
    """A cell of a table: HTML, and the value by which it is sorted."""

    def __init__(self, inside, value=None):
        self.inside = inside
        self.value = value


def table(head, rows, text_columns=(0,), wrapped=(), sortable=True):
    """Return a table.

    Parameters
    ----------
    head : list of str
    rows : list of list of str, number or Cell
        All but the content of a Cell is escaped.
    text_columns : collection of int
        Columns that are aligned to the left.
    wrapped : collection of int
        Columns that may break over lines.
    sortable : bool

    Returns
    -------
    str
    """
    kind = [" ".join(["text"] * (i in text_columns) + ["wrap"] * (i in wrapped)) for i in range(len(head))]
    kind = [f' class="{names}"' if names else "" for names in kind]
    heads = "".join(f'<th scope="col"{k}>{escape(name)}</th>' for k, name in zip(kind, head, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell(cell, k) for k, cell in zip(kind, row, strict=True))}</tr>" for row in rows
    )
    name = ' class="sortable"' if sortable and len(rows) > 1 else ""
    head = f"<thead><tr>{heads}</tr></thead>" if any(head) else ""
    name = name if head else ""
    return f'<div class="scroll"><table{name}>{head}<tbody>{body}</tbody></table></div>'


def _cell(cell, kind):
    if not isinstance(cell, Cell):
        return f"<td{kind}>{escape(cell)}</td>"
    value = "" if cell.value is None else f' data-value="{escape(cell.value)}"'
    return f"<td{kind}{value}>{cell.inside}</td>"
