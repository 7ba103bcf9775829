r"""The leaderboard as a LaTeX table, for a paper that has \usepackage{booktabs}.

    \begin{tabular}{lrr}
    \toprule
    Method & forget quality (D) $\downarrow$ & model utility $\uparrow$ \\
    \midrule
    npo\_rt & \textbf{0.142} & \underline{0.574} \\

The best ranked value of a metric is bold. Values that no test tells from it are underlined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from suite.report.numbers import listed
from suite.report.table import Row, Table
from suite.report.text import one_line
from suite.results.evidence import ALPHA

_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}  # fmt: skip
_ARROWS = {"↑": r" $\uparrow$", "↓": r" $\downarrow$", "": ""}
_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def as_latex(table: Table) -> str:
    """Render the headline metrics of all rows: baselines, then methods by rank."""
    return "\n".join(_lines(table)) + "\n"


def _lines(table: Table) -> Iterator[str]:
    yield f"% {escape(' '.join(table.comparison.key))}"
    yield "% needs \\usepackage{booktabs}"
    yield "\\begin{table}"
    yield "\\centering"
    yield f"\\caption{{{_describe(table)}}}"
    yield f"\\begin{{tabular}}{{l{'r' * len(table.primary)}}}"
    yield "\\toprule"
    heads = [_head(table, name) for name in table.primary]
    yield " & ".join(["Method", *heads]) + r" \\"
    for rows in (table.baselines, table.methods):
        if rows:
            yield "\\midrule"
        for row in rows:
            cells = [_show(table, row, name) for name in table.primary]
            yield " & ".join([escape(row.method), *cells]) + r" \\"
    yield "\\bottomrule"
    yield "\\end{tabular}"
    yield "\\end{table}"


def escape(text: str) -> str:
    """Escape `text` for LaTeX. What is not ASCII is spelt out: pdflatex may lack the letter."""
    plain = one_line(text).encode("ascii", "backslashreplace").decode()
    return "".join(_SPECIAL.get(char, char) for char in plain)


def _head(table: Table, name: str) -> str:
    arrow = _ARROWS[table.direction(table.quantity(name))]
    return f"{escape(table.heading(name).replace('_', ' '))}{arrow}"


def _describe(table: Table) -> str:
    benchmark, split, model = map(escape, table.comparison.key)
    seeds = len({result.cell.run for row in table.methods for result in row.cells})
    text = f"{benchmark} {split}, {model}; {seeds} run{'' if seeds == 1 else 's'} of each method."
    if not table.ranked or not table.axes:
        return text
    text += " Bold: the best value."
    tested = [name for name in table.axes if _is_tested(table, name)]
    if not tested:
        return f"{text} Differences were not tested."
    text += f" Underlined: not told from the best (corrected $p \\ge {ALPHA}$)."
    untested = [_head(table, name) for name in table.axes if name not in tested]
    return f"{text} Not tested: {listed(untested)}." if untested else text


def _is_tested(table: Table, name: str) -> bool:
    evidence = table.comparison.evidence
    if evidence is None or name in evidence.untested:
        return False
    return any(each.metric == name for each in evidence.differences)


def _show(table: Table, row: Row, name: str) -> str:
    value = row.values.get(table.quantity(name))
    if value is None or value.value is None:
        return "--"
    text = _number(value.text)
    best = _best(table, name)
    if row in best:
        return f"\\textbf{{{text}}}"
    if row.rank and any(_is_tied(table, row, other, name) for other in best):
        return f"\\underline{{{text}}}"
    return text


def _best(table: Table, name: str) -> list[Row]:
    """Return the ranked rows with the best value of a metric."""
    quantity = table.quantity(name)
    known = []
    for row in table.ranked:
        value = row.values.get(quantity)
        if value is not None and value.goodness is not None:
            known.append((value.goodness, row))
    if not known:
        return []
    top = max(goodness for goodness, _ in known)
    return [row for goodness, row in known if goodness == top]


def _is_tied(table: Table, row: Row, other: Row, name: str) -> bool:
    """Say whether the difference of two rows was tested and may be chance."""
    evidence = table.comparison.evidence
    if evidence is None or not _is_tested(table, name):
        return False
    pair = {row.method, other.method}
    for known in evidence.differences:
        if known.metric == name and {known.method, known.other} == pair:
            return not evidence.claims or known.adjusted is None or known.adjusted >= ALPHA
    return False


def _number(text: str) -> str:
    """Write a number of `suite.report.numbers` for LaTeX: "-0.3", "1.7 x 10^-21"."""
    text = text.replace("−", "-")
    power = re.fullmatch(r"(\S+) × 10(\S+)", text)
    if power:
        return f"${power[1]} \\times 10^{{{power[2].translate(_DIGITS)}}}$"
    return f"${text}$" if text.startswith("-") else escape(text)
