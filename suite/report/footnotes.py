"""What a reader must know to read a table: how it is ranked, what the brackets are, what is optimistic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from suite.report.columns import title_behind
from suite.report.numbers import listed
from suite.report.table import Table
from suite.results.evidence import ALPHA, DRAWS
from suite.results.schema import Results, Run

NOT_COMPARABLE = "Not comparable with"
"""How the note of a table begins that stands apart from another run's."""


def footnotes(table: Table) -> list[str]:
    """Explain `table`."""
    return [*lead(table), *rest(table)]


def lead(table: Table) -> list[str]:
    """How it is ranked, and how sure that is: what a reader needs before anything else."""
    return [*apart(table), *_rank(table), *partial(table), *_certainty(table)]


def rest(table: Table) -> list[str]:
    """What the other columns are."""
    return [
        *_unranked(table),
        *_test(table),
        *_volume(table),
        *_differences(table),
        *_numbers(table),
        *_costs(table),
    ]


def apart(table: Table) -> list[str]:
    """Why the table stands apart from that of another run."""
    return [note for note in table.comparison.notes if note.startswith(NOT_COMPARABLE)]


def partial(table: Table) -> Iterator[str]:
    """Say once what is partial."""
    if table.all_partial:
        yield "Partial: every model was evaluated on a part of the questions, so nothing is ranked."
    elif names := table.partial:
        yield f"Partial, evaluated on a part of the questions and not ranked: {', '.join(names)}."


def _rank(table: Table) -> Iterator[str]:
    if not table.axes:
        yield "Not ranked: no headline metric says which direction is better."
    elif not any(row.rank for row in table.rows):
        return
    elif len(table.axes) == 1:
        yield f"Rank: by {table.axes[0]} of the final checkpoint; a better value ranks higher{_beyond_chance(table)}."
    else:
        yield (
            f"Rank: by {listed(table.axes)} of the final checkpoint together, so that nobody wins on "
            "one by collapsing on another. A method stands below another that dominates it (as good on all, better "
            f"on one){_beyond_chance(table)}; methods that are not parted so tie (“=”). Front: no other method "
            "dominates it. Within a tie, rows are listed by the worst of their places on single metrics: an order "
            "to read in, not a claim."
        )


def _unranked(table: Table) -> Iterator[str]:
    if any(row.rank is None for row in table.rows) and not table.all_partial:
        yield "Not ranked: baselines, partial runs, cells that failed, diverged or lack a headline metric."


def _beyond_chance(table: Table) -> str:
    evidence = table.comparison.evidence
    if (
        evidence is None
        or not evidence.family
        or not all(row.standings for row in table.rows if row.rank)
    ):
        return ""
    holm = f"p < {ALPHA} after Holm's correction for {evidence.family} comparisons"
    return f" by a difference that is more than chance ({holm})"


def _certainty(table: Table) -> Iterator[str]:
    """How the ranks' uncertainty was found."""
    evidence = table.comparison.evidence
    if evidence is None or not evidence.standings or not any(row.rank for row in table.rows):
        return
    seeds = " and seeds" if any(len(row.seeds) > 1 for row in table.rows) else ""
    text = (
        f"How sure that is: clusters of questions (of one author, of one document){seeds} were drawn anew {DRAWS} "
        "times, the same for every method. P(best): the share of draws in which a method is first on a metric; a range "
        "of ranks holds 95 % of the draws."
    )
    if len(table.axes) > 1:
        text += (
            " P(front), the probability of being non-dominated: the share of draws in which no other method is as good "
            "on every metric and better on one."
        )
    if any(
        row.values[name].log10_p is not None
        for row in table.rows
        for name in table.axes
        if name in row.values
    ):
        text += " For a p-value the draws take its KS distance D, since p itself must not be bootstrapped."
    yield text


def _test(table: Table) -> Iterator[str]:
    for name in table.axes:
        if table.behind(name, "KS statistic"):
            base = table.comparison.baseline
            yield (
                f"{name}: p of a two-sample Kolmogorov-Smirnov test against the {base} model; high means that no "
                "difference to it was found. D: the test's statistic, the largest gap between the two cumulated "
                "curves (0: none)."
            )
        for other in table.behind(name, "p-value"):
            short = title_behind(other, name)
            yield (
                f"{short.capitalize()}: the same test by exchanging the two models' answers cluster by cluster. The "
                "classical p takes all questions as independent, and is too sure where questions share a subject."
            )


def _volume(table: Table) -> Iterator[str]:
    """What hypervolume is, and that of the front."""
    whole, corner = table.front_volume, table.comparison.reference_point
    if not corner or not any("hypervolume" in row.values for row in table.rows):
        return
    point = ", ".join(f"{name} {value:g}" for name, value in corner.items())
    text = f"Hypervolume: what lies between a method's final checkpoint and the fixed reference point ({point})."
    if whole is not None:
        spread = f" ({whole.bounds})" if whole.bounds else ""
        text += f" All ranked methods together cover {whole.text}{spread}."
    if any(
        row.values[n].log10_p is not None for row in table.rows for n in corner if n in row.values
    ):
        text += " It has no interval, because a p-value is a factor of it."
    yield text


def _differences(table: Table) -> Iterator[str]:
    evidence = table.comparison.evidence
    if evidence is None or not evidence.standings:
        return
    yield (
        "Differences are tested by exchanging two methods' answers cluster by cluster"
        + (
            ", with several seeds by a two-way analysis of variance over seeds and clusters."
            if any(len(row.seeds) > 1 for row in table.rows)
            else "."
        )
    )
    yield from evidence.notes


def _numbers(table: Table) -> Iterator[str]:
    values = [value for row in table.rows for value in row.values.values()]
    if any(value.spread == "95 % interval" for value in values):
        yield "[a, b]: 95 % interval over questions. To compare methods take paired differences, not overlap."
    if any(value.spread == "range over seeds" for value in values):
        yield "Several seeds: their mean (p-values: geometric mean); a … b: the lowest and highest seed."
    if any(value.log10_p is not None for value in values):
        yield "p-values shrink as the number of questions grows: compare them within this table only."
    if any(row.deltas for row in table.rows):
        base = table.comparison.baseline
        sure = any(delta.low is not None for row in table.rows for delta in row.deltas.values())
        yield f"“− {base}”: the difference to the {base} model" + (
            " on the same questions, with its 95 % interval." if sure else ", without its error."
        )
    if any(row.best for row in table.rows):
        by = f" by {table.comparison.best_by}" if table.comparison.best_by else ""
        yield f"The best epoch is chosen{by} on the questions it is reported on: optimistic, never ranked."


def _costs(table: Table) -> Iterator[str]:
    if any(row.train_seconds is not None for row in table.rows):
        yield "Training: wall-clock time of the computation, also where its result was found in the store."
    if any(row.spent("cpu_seconds") is not None for row in table.rows):
        yield (
            "CPU time: all threads. GPU time: wall-clock time with the accelerator held. Tokens: all that was trained "
            "on, prompts and repetitions included. Memory: the most held in training."
        )


def provenance(results: Results) -> list[tuple[str, str]]:
    """List what was run, as (name, value)."""
    run = results.run
    facts = [
        ("Engine", run.engine), ("Precision", run.dtype), ("Template", run.template), ("Device", run.device),
        ("Seeds", ", ".join(map(str, run.seeds))), ("Versions", _listed(run.versions)),
        ("Plugins", _listed(run.plugins)),
    ]  # fmt: skip
    machines = dict.fromkeys(
        describe_environment(result.environment) for result in results.cells if result.environment
    )
    facts.append(("Machine" if len(machines) < 2 else "Machines", " | ".join(machines)))
    for comparison in results.comparisons:
        label = " · ".join(comparison.key)
        facts.append((f"Data of {label}", comparison.revision))
        if comparison.judge:
            facts.append((f"Judge of {label}", comparison.judge))
        if comparison.baseline_key:
            facts.append((f"{comparison.baseline} model of {label}", comparison.baseline_key))
    return [(name, value) for name, value in facts if value]


def describe_environment(environment: Mapping[str, Any]) -> str:
    """Say where a cell ran: "Linux x86_64, cpu, float32"."""
    system = " ".join(
        str(environment[name]) for name in ("system", "machine") if name in environment
    )
    rest = [str(value) for name, value in environment.items() if name not in ("system", "machine")]
    return ", ".join(filter(None, [system, *rest])) or "an unknown machine"


def deviations(results: Results) -> list[str]:
    """List the notes of the run, of the data and of cells, each once, with the methods it is about."""
    by_note: dict[str, dict[str, None]] = {}
    for result in results.cells:
        for note in result.notes:
            by_note.setdefault(note, {})[result.cell.method] = None
    shared = [note for comparison in results.comparisons for note in comparison.notes]
    of_cells = [f"{', '.join(methods)}: {note}" for note, methods in by_note.items()]
    return [*results.run.notes, *dict.fromkeys(shared), *of_cells]


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def commands(run: Run) -> list[str]:
    """List the command lines that rebuild the results (several after a merge)."""
    return run.command.splitlines()
