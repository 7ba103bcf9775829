"""The attacks on a cell's final model: computed after the cell's own stages, and read for its
result. One that fails costs its own numbers, and not the cell's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from suite.api.requests import Request
from suite.api.scores import Metric
from suite.core.errors import CorruptError
from suite.core.interrupt import Interrupted
from suite.plan.cell import PlannedCell
from suite.plan.text_stages import TextStages
from suite.run.failure import failure_of
from suite.score.files import read_metrics
from suite.stages.context import Context
from suite.store import Stage, Store


def run_attacks(context: Context, store: Store, planned: PlannedCell) -> tuple[list[str], int]:
    """Compute a cell's attacks: a note on each that failed, and the exit status."""
    notes: list[str] = []
    status = 0
    for each, point in planned.attacked:
        try:
            store.ensure(each.score)
        except (CorruptError, KeyboardInterrupt, Interrupted):
            raise
        except BaseException as error:  # a plugin may even call sys.exit
            failure = failure_of(error, context.registry)
            note = f"attack {point.shown}: {failure.status}: {failure.text}"
            context.progress.say(f"{planned.cell.method}: {note}\n{failure.trace}".strip())
            notes.append(note)
            status = failure.exit_status
    return notes, status


def attack_requests(
    context: Context, planned: Iterable[PlannedCell], stages: TextStages
) -> Iterator[Request]:
    """What attacks ask on the benchmark of `stages`, each request once."""
    keys: dict[str, None] = {}
    for cell in planned:
        if cell.texts is None or cell.texts.reading is not stages.reading:
            continue
        for each, _ in cell.attacked:
            if each.responses is not None:
                keys[str(each.responses.spec["requests"])] = None
    for key in keys:
        yield from context.materials[key]


def attacked_metrics(store: Store, planned: PlannedCell) -> Iterator[Metric]:
    """What the attacks look for and what they cost, as "<attack>, <step>/<metric>"."""
    for each, point in planned.attacked:
        if not store.has(each.score):
            continue
        wanted = {point.metric, point.utility}
        for metric in read_metrics(store.path(each.score)):
            if metric.name in wanted:
                yield replace(metric, name=f"{point.shown}/{metric.name}")


def attack_stages(planned: PlannedCell) -> list[Stage]:
    """The stages that only the attacks take."""
    own = {stage.key for each in planned.own for stage in each.made}
    made = {stage.key: stage for each, _ in planned.attacked for stage in each.made}
    return [stage for key, stage in made.items() if key not in own]
