"""A run's verdicts in AlpacaEval's files.

<out>/alpaca_eval/leaderboard.csv                      a row for each cell
<out>/alpaca_eval/<cell>/model_outputs.json            instruction, output, generator, dataset
<out>/alpaca_eval/<cell>/annotations.json     ... output_1 (rival), output_2 (candidate), preference
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.api.verdicts import Judged, Question
from suite.judges.alpaca_eval import Annotation, summary
from suite.judges.asking import read_judged
from suite.plan.cell import PlannedCell
from suite.store import Store, atomic_write


def export(out: Path, cells: Iterable[PlannedCell], store: Store) -> None:
    """Write the files of all judged cells of a run, by the final step's verdicts on the headline's
    questions."""
    rows = {}
    for cell in cells:
        verdicts = cell.final.verdicts
        if (
            verdicts is None
            or cell.texts is None
            or cell.texts.judging is None
            or not store.has(verdicts)
        ):
            continue
        judging = cell.texts.judging
        headline = set_of(judging.questions[0])
        questions = [question for question in judging.questions if set_of(question) == headline]
        names = cell.texts.benchmark.against, cell.cell.method
        folder = out / cell.cell.slug
        if row := write_cell(
            folder, names, judging.judge.describe(), questions, read_judged(store.path(verdicts))
        ):
            rows[cell.cell.slug] = row
    if rows:
        write_leaderboard(out / "leaderboard.csv", rows)


def set_of(question: Question) -> str:
    """The evaluation set: questions are named "<set>/<number>/..."."""
    return question.id.partition("/")[0]


def write_cell(
    folder: Path,
    names: tuple[str, str],
    annotator: str,
    questions: Sequence[Question],
    judged: Mapping[str, Judged],
) -> dict[str, float | None] | None:
    """Write one cell's files; return its leaderboard row, None without any verdict. `names`: rival,
    candidate."""
    rows = [_row(question, judged[question.id], names, annotator) for question in questions]
    outputs = [
        {
            "instruction": r["instruction"],
            "output": r["output_2"],
            "generator": names[1],
            "dataset": r["dataset"],
        }
        for r in rows
    ]
    atomic_write(folder / "model_outputs.json", json.dumps(outputs, indent=1).encode())
    atomic_write(folder / "annotations.json", json.dumps(rows, indent=1).encode())
    given = [r for r in rows if r["preference"] is not None]
    if not given:
        return None
    return summary(
        [Annotation(r["instruction"], r["output_1"], r["output_2"], r["preference"]) for r in given]
    )


def _row(
    question: Question, judged: Judged, names: tuple[str, str], annotator: str
) -> dict[str, Any]:
    turns = [message.content for message in question.prompt]
    roles = [f"{message.role}: {message.content}" for message in question.prompt]
    return {
        "instruction": turns[0] if len(turns) == 1 else "\n\n".join(roles),
        "output_1": judged.rival,
        "generator_1": names[0],
        "dataset": set_of(question),
        "output_2": judged.candidate,
        "generator_2": names[1],
        "annotator": annotator,
        "preference": None if judged.score is None else 1 + judged.score,
        "raw_completion": [
            {"choice": verdict.choice, "note": verdict.note} for verdict in judged.verdicts
        ],
    }


def write_leaderboard(path: Path, rows: Mapping[str, Mapping[str, float | None]]) -> None:
    """Write the rows by name, in AlpacaEval's columns."""
    text = io.StringIO()
    columns = list(next(iter(rows.values())))
    writer = csv.DictWriter(text, ["", *columns], lineterminator="\n")
    writer.writeheader()
    for name, row in rows.items():
        writer.writerow({"": name, **row})
    atomic_write(path, text.getvalue().encode())
