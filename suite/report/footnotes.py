"""What a reader must know to read a table: how it is ranked, what the brackets are, what is optimistic."""

from __future__ import annotations

from collections.abc import Iterator

from suite.report.table import Table
from suite.results import Results, Run


def footnotes(table: Table) -> list[str]:
    """Explain `table`."""
    return [*_rank(table), *_numbers(table)]


def _rank(table: Table) -> Iterator[str]:
    if not table.axes:
        yield "Not ranked: no headline metric says which direction is better."
    elif len(table.axes) == 1:
        yield f"Rank: by {table.axes[0]} of the final checkpoint. Equal values tie."
    else:
        yield (
            f"Rank: by {' and '.join(table.axes)} of the final checkpoint together, so that nobody wins on "
            "one by collapsing on another. Rank 1 is shared by the methods that no other method dominates "
            "(as good on all of them, better on one): the Pareto front. Without these, the next ones share "
            "the next rank. “=” marks a tie. Within a tie, rows are listed by the worst of their places on "
            "single metrics: an order to read in, not a claim."
        )
    yield "Not ranked: baselines, partial runs, cells that failed, diverged or lack a headline metric."


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
        yield f"“− {base}”: the plain difference to the {base} model, without its error."
    if any(row.best for row in table.rows):
        by = f" by {table.comparison.best_by}" if table.comparison.best_by else ""
        yield f"The best epoch is chosen{by} on the questions it is reported on: optimistic, never ranked."
    if any(row.train_seconds is not None for row in table.rows):
        yield "Training: wall-clock time of the computation, also where its result was found in the store."


def provenance(results: Results) -> list[tuple[str, str]]:
    """List what was run, as (name, value)."""
    run = results.run
    facts = [
        ("Engine", run.engine), ("Precision", run.dtype), ("Template", run.template), ("Device", run.device),
        ("Seeds", ", ".join(map(str, run.seeds))), ("Versions", _listed(run.versions)),
        ("Plugins", _listed(run.plugins)),
    ]  # fmt: skip
    for comparison in results.comparisons:
        label = " · ".join(comparison.key)
        facts.append((f"Data of {label}", comparison.revision))
        if comparison.judge:
            facts.append((f"Judge of {label}", comparison.judge))
        if comparison.baseline_key:
            facts.append((f"{comparison.baseline} model of {label}", comparison.baseline_key))
    return [(name, value) for name, value in facts if value]


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
