"""The LaTeX table: escaped, the best bold, what no test tells from it underlined."""

from __future__ import annotations

import re
from dataclasses import replace

from hostile import EVERYTHING, poisoned

from suite.report.latex import as_latex, escape
from suite.report.table import tables
from suite.results.evidence import Difference, Evidence
from suite.results.schema import Results


def rows_of(text: str) -> dict[str, list[str]]:
    found = {}
    for line in text.splitlines():
        if line.endswith(r" \\"):
            method, *cells = line.removesuffix(r" \\").split(" & ")
            found[method] = cells
    return found


def test_best_is_bold_and_ties_are_underlined(results: Results) -> None:
    adjusted = {"npo": 0.3, "grad_diff": 0.001, "ga": 0.001}
    differences = tuple(
        Difference("model_utility", name, "npo_rt", -0.1, None, None, p, p, 600, 120)
        for name, p in adjusted.items()
    )
    evidence = Evidence(3, differences=differences)
    told = replace(results, comparisons=(replace(results.comparisons[0], evidence=evidence),))
    (table,) = tables(told)
    text = as_latex(table)
    rows = rows_of(text)
    head = [r"forget quality (D) $\downarrow$", r"model utility $\uparrow$"]
    assert rows["Method"] == head
    assert rows[r"npo\_rt"][1].startswith(r"\textbf{")
    assert rows["npo"][1].startswith(r"\underline{")
    assert re.fullmatch(r"\d\.\d{3}", rows[r"grad\_diff"][1])
    assert "underline" not in "".join(cells[0] for cells in rows.values())  # D was not tested
    assert r"Not tested: forget quality (D)" in text
    assert rows["simnpo"] == ["--", "--"]


def test_hostile_text_is_inert(results: Results) -> None:
    (table,) = tables(poisoned(results, EVERYTHING))
    text = as_latex(table)
    assert text.isascii()
    plain = re.sub(r"\\[{}]", "", text)  # braces that are letters
    assert plain.count("{") == plain.count("}")
    width = len(table.primary)
    assert {len(cells) for cells in rows_of(text.replace(r"\&", "")).values()} == {width}


def test_escape() -> None:
    assert escape("a_b & 5 % of $x^2$ ~{#}") == (
        r"a\_b \& 5 \% of \$x\textasciicircum{}2\$ \textasciitilde{}\{\#\}"
    )
    assert escape("\\input{x}") == r"\textbackslash{}input\{x\}"
