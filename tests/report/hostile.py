"""What models and plugins may say to harm a reader, and results that say it everywhere."""

from __future__ import annotations

from dataclasses import replace

from suite.api.pictures import Bars, Distribution, Frontier, MetricColumn
from suite.api.scores import Metric
from suite.results.evidence import Difference, Evidence, Overall, Standing
from suite.results.outputs import Outputs
from suite.results.robustness import Found, Robustness
from suite.results.samples import Sample
from suite.results.schema import Results

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!-- ",
    "]]>",
    "'\"><b>",
    "{{ 7*7 }}",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "https://evil.example www.evil.example",
    "a | b || c",
    "`code` ``",
    "~~x~~ **y** __z__ $x$",
    "<https://evil.example>",
    "&lt;b&gt;",
    "[1]: https://evil.example",
    "\x1b[31mred\x1b]8;;https://evil.example\x07",
    "\x9b31m",
    "\x00\x07\x08\r",
    "=cmd()",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\ud800",
    "\u202egnp.exe",
    "\u2028\u2029\u2066",
    "[red]markup[/red] [link=https://evil.example]x[/link]",
    "\U000e0041\ufeff\uffff",
    "line\n# heading\n- item\n\n---",
]
EVERYTHING = " ".join(HOSTILE)


def poisoned(results: Results, bad: str) -> Results:
    """Put `bad` into every field that holds text."""
    base = results.comparisons[0]
    comparison = replace(
        base, split=bad, model=bad, revision=bad, judge=bad, baseline_key=bad, notes=(bad,)
    )
    comparison = replace(
        comparison, primary=(*base.primary, bad), evidence=evidence(bad), front_hypervolume=(0.5,)
    )
    comparison = replace(
        comparison,
        reference_point={"model_utility": 0.0, bad: 0.0},
        outputs=outputs(bad),
        starts={bad: bad},
        robustness=robustness(bad),
    )
    cells = []
    for result in results.cells:
        name = result.cell.method
        named = replace(
            result.cell, method=f"{name}{bad}" if name != "retrain" else name, split=bad, model=bad
        )
        extra = Metric(bad, None, True, bad, note=bad), Metric("hypervolume", 0.5, True, note=bad)
        known = (*result.metrics, *extra) if result.metrics else ()
        error = bad if result.status != "ok" else ""
        cells.append(
            replace(
                result, cell=named, metrics=known, notes=(bad,), error=error, environment={bad: bad}
            )
        )
    run = replace(
        results.run,
        command=bad,
        engine=bad,
        dtype=bad,
        template=bad,
        device=bad,
        config={bad: bad},
        versions={bad: bad},
        plugins={bad: bad},
        notes=(bad,),
    )
    return replace(results, run=run, comparisons=(comparison,), cells=tuple(cells))


def outputs(bad: str) -> Outputs:
    """Every kind of picture and column, with `bad` wherever a text may stand."""
    pictures = (
        Frontier("forget_quality", "model_utility", bad, bad, bad),
        Distribution("log_truth_ratio", label=bad, caption=bad),
        Bars({bad: "model_utility"}, bad, bad, caption=bad),
    )
    columns = (
        MetricColumn(bad, bad, bad, bad),
        MetricColumn("model_utility", bad, bad, bad, "forget_quality"),
    )
    return Outputs((*Outputs().pictures, *pictures), columns)


def evidence(bad: str) -> Evidence:
    """Of two methods, one of them with `bad` in its name."""
    one, two = f"npo{bad}", f"ga{bad}"
    standings = [
        Standing(m, n, 0.5, 0.4, 0.6, 1, 0.5, 1, 2, bad)
        for m in ("model_utility", bad)
        for n in (one, two)
    ]
    difference = Difference(bad, one, two, 0.1, -0.1, 0.3, 0.04, 0.08, 10, 2, bad)
    return Evidence(
        1, tuple(standings), (difference,), (), {one: Overall(0.5, 1, 2)}, {one: (0.4, 0.6)}, (bad,)
    )


def answers(results: Results, bad: str) -> dict[str, list[Sample]]:
    said = [
        Sample(bad, str(i), bad, bad, bad + "x" * 2000 * i, {bad: 0.5, "log_truth_ratio": 0.1})
        for i in (0, 1)
    ]
    said.append(Sample("forget", bad, bad, bad, bad, {"log_truth_ratio": -0.1}))
    return {result.cell.slug: said for result in results.cells if result.status == "ok"}


def robustness(bad: str) -> Robustness:
    """An attack that trains, with `bad` for a name."""
    found = []
    for method in (f"npo{bad}", f"ga{bad}", "retrain"):
        for step in (0, 5):
            excess = {"excess": 0.2, "excess_low": 0.1, "excess_high": 0.3}
            known = Found(bad, bad, step, method, bad, 0.1, 0.3, cost=0.0, note=bad, **excess)
            found.append(known)
    return Robustness(bad, 0.1, "retrain", tuple(found), {bad: {bad: bad}}, (bad,))
