"""What a reader must know to read a table: how rows are ranked, and what each column means."""

from __future__ import annotations

from collections.abc import Iterator

from suite.api.finished import FINISHED
from suite.report.numbers import listed
from suite.report.table import Table
from suite.report.values import Value
from suite.results.evidence import ALPHA, DRAWS

NOT_COMPARABLE = "Not comparable with"
"""The first words of a table's note that says why it is apart from another run's table."""
UNFINISHED = "Unfinished run: "
"""The first words of the note on a table that the end of its run will replace."""


def footnotes(table: Table) -> list[str]:
    """Explain `table`."""
    return [*lead(table), *rest(table)]


def lead(table: Table) -> list[str]:
    """Explain the ranks and how sure they are: the notes to read first."""
    return [*apart(table), *_explain_rank(table), *partial(table), *_explain_certainty(table)]


def rest(table: Table) -> list[str]:
    """Explain the other columns."""
    return [
        *_explain_unranked(table),
        *_explain_declared(table),
        *_explain_hypervolume(table),
        *_explain_differences(table),
        *_explain_numbers(table),
        *_explain_costs(table),
    ]


def apart(table: Table) -> list[str]:
    """Say why the table is apart from that of another run, or from that of the whole run."""
    first = (NOT_COMPARABLE, UNFINISHED)
    return [note for note in table.comparison.notes if note.startswith(first)]


def partial(table: Table) -> Iterator[str]:
    """Say which rows are partial, all in one note."""
    if table.all_partial:
        yield "Partial: every model was evaluated on a part of the questions, so nothing is ranked."
    elif names := table.partial:
        yield f"Partial, evaluated on a part of the questions and not ranked: {', '.join(names)}."


def _explain_rank(table: Table) -> Iterator[str]:
    if not table.axes:
        yield "Not ranked: no headline metric defines which direction is better."
        return
    if not table.ranked:
        return
    text = f"Rank: methods are ranked by {listed(_axes(table))} at the final checkpoint"
    if len(table.axes) == 1:
        text += f". A method ranks below a better one if {_describe_test(table)}."
    else:
        text += (
            " together, so that a method cannot win on one metric by collapsing on another. A "
            "method dominates another if it is at least as good on every metric and better on one. "
            f"A method ranks below another if the other dominates it and {_describe_test(table)}. "
            "Front: no other method dominates the method."
        )
    yield (
        f"{text} A range, such as 1–3, holds all ranks that the tests leave open; methods with the "
        "same range are listed by their worst place on a single metric, which makes no claim about "
        "which is better."
    )
    yield from _explain_untested(table)


def _axes(table: Table) -> list[str]:
    return [table.heading(name) for name in table.axes]


def _describe_test(table: Table) -> str:
    """Describe the test that a difference must pass to count."""
    evidence = table.comparison.evidence
    text = f"their difference is more than chance (corrected p < {ALPHA}"
    if evidence is None or not evidence.family:
        return f"{text})"
    how = "Holm's correction"
    if evidence.by_labels:
        others = [name for name in evidence.of_interest if name not in evidence.by_labels]
        how = f"step-down max-T for {listed(evidence.by_labels)}"
        how += f" and Holm's correction for {listed(others)}" if others else ""
    return f"{text}: {how}, {evidence.family} comparisons together)"


def _explain_untested(table: Table) -> Iterator[str]:
    """Say why no method ranks below another, and what the ranks are about."""
    evidence = table.comparison.evidence
    if evidence is None:
        yield "Nothing was tested, so no method ranks below another."
        return
    known = {standing.metric for standing in evidence.standings}
    untested = [name for name in table.axes if name in evidence.untested or name not in known]
    if untested:
        yield (
            f"Not tested: {listed(untested)}. A rank is a claim about every metric, so no method "
            "ranks below another."
        )
    if not evidence.claims:
        yield (
            "One seed and one start model: how much another training run would differ is unknown, "
            "so no method ranks below another. P values are about these models only."
        )
    if any(row.family == FINISHED for row in table.rows):
        yield (
            "Finished models are compared as they are: a rank is about that very model, not about "
            "how it was made."
        )
    if evidence.of_interest:
        each = [f"{name} {least:g}" for name, least in evidence.of_interest.items()]
        yield f"Smallest difference of interest: {', '.join(each)}. Smaller ones part no methods."


def _explain_certainty(table: Table) -> Iterator[str]:
    """Explain how the uncertainty of the ranks was computed."""
    evidence = table.comparison.evidence
    if evidence is None or not evidence.standings or not table.ranked:
        return
    text = (
        "P(best): the share of draws in which a method is first on a metric. Clusters of questions "
        f"(those about the same author or document) were resampled {DRAWS} times, with the same "
        "draws for every method"
    )
    if _has_several_seeds(table):
        text += "; the spread over runs is drawn from Student's t, as wide as few runs leave it"
    text += ". The ranges of ranks of all methods hold together with 95 %."
    if len(table.axes) > 1:
        text += (
            " P(front), the probability of being non-dominated: the share of draws in which no "
            "other method is at least as good on every metric and better on one."
        )
    if any(table.is_p_value(name) for name in table.axes):
        text += (
            " For a metric that is a p-value, the draws use its KS distance D, because a p-value "
            "must not be bootstrapped."
        )
    yield text


def _explain_unranked(table: Table) -> Iterator[str]:
    if len(table.ranked) < len(table.rows) and not table.all_partial:
        yield (
            "Not ranked: baselines, partial runs, and methods that failed, diverged or have no "
            "value of a headline metric."
        )


def _explain_declared(table: Table) -> Iterator[str]:
    """Give the notes on declared metrics that any row reports."""
    for column in table.outputs.columns:
        if column.note and table.values_of(column.metric):
            yield column.note


def _explain_hypervolume(table: Table) -> Iterator[str]:
    """Explain the hypervolume, and give that of all ranked methods together."""
    corner = table.comparison.reference_point
    if not corner or not table.values_of("hypervolume"):
        return
    point = ", ".join(f"{name} {value:g}" for name, value in corner.items())
    text = (
        "Hypervolume: the volume between a method's final checkpoint and the fixed reference "
        f"point ({point})."
    )
    whole = table.front_volume
    if whole is not None:
        spread = f" ({whole.bounds})" if whole.bounds else ""
        text += f" All ranked methods together cover {whole.text}{spread}. {_luck(table)}"
    if any(table.is_p_value(name) for name in corner):
        text += " It has no confidence interval, because one of its factors is a p-value."
    yield text


def _luck(table: Table) -> str:
    """Whether that volume holds the luck of the best."""
    if len(table.comparison.front_hypervolume) < 2:
        return "This is of one run, where the luckiest methods count, so it is too large."
    return "In each run the other runs choose the methods that count, so luck is not counted."


def _explain_differences(table: Table) -> Iterator[str]:
    evidence = table.comparison.evidence
    if evidence is None or not evidence.standings:
        return
    text = (
        "Differences between methods are tested by a permutation test that exchanges the two "
        "methods' answers by whole clusters"
    )
    if _has_several_seeds(table):
        text += (
            ", and by t tests over start models and seeds and an analysis of variance over these "
            "and the clusters; the largest p counts"
        )
    yield f"{text}."
    yield from evidence.notes


def _explain_numbers(table: Table) -> Iterator[str]:
    values: list[Value] = []
    for row in table.rows:
        values += row.values.values()
    spreads = {value.spread for value in values}
    if "95 % interval" in spreads:
        yield (
            "[a, b]: the 95 % confidence interval over questions. To compare two methods, use "
            "their paired difference, not the overlap of their intervals."
        )
    if "range over seeds" in spreads:
        yield (
            "With several seeds, a number is their mean (of p-values the geometric mean; ranks "
            "go by "
            "the mean KS distance D); a … b: the lowest and the highest seed."
        )
    if any(value.log10_p is not None for value in values):
        yield (
            "p-values get smaller as the number of questions grows: compare them only within this "
            "table."
        )
    yield from _explain_deltas(table)
    if any(row.best for row in table.rows):
        by = f" by {table.comparison.best_by}" if table.comparison.best_by else ""
        yield (
            f"Best epoch: it is chosen{by} on the same questions that it is reported on. Its "
            "values are therefore optimistic and never ranked."
        )


def _explain_deltas(table: Table) -> Iterator[str]:
    deltas: list[Value] = []
    for row in table.rows:
        deltas += row.deltas.values()
    if not deltas:
        return
    base = table.comparison.baseline
    text = f"“− {base}”: the difference from the {base} model"
    if any(delta.low is not None for delta in deltas):
        yield f"{text} on the same questions, with its 95 % confidence interval."
    else:
        yield f"{text}, without a confidence interval."


def _explain_costs(table: Table) -> Iterator[str]:
    if any(row.train_seconds is not None for row in table.rows):
        yield (
            "Training: the wall-clock time of training. If the trained model came from the store, "
            "this is the time of the original computation."
        )
    if any(row.spent("cpu_seconds") is not None for row in table.rows):
        yield (
            "CPU time: the sum over all threads. GPU time: the wall-clock time during which "
            "training held the accelerator. Tokens: all tokens trained on, including prompts and "
            "repetitions. Memory: the peak during training."
        )


def _has_several_seeds(table: Table) -> bool:
    return any(len(row.cells) > 1 for row in table.rows)
