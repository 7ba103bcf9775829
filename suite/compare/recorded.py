"""The settings behind a table, by the names that a user writes; kept in results.json, so that two
runs that cannot be joined are told which setting differs.

    {"model": "tiny", "dtype": "float32", "finetune.epochs": 12, "tofu.holdout": 4}
    {"npo": {"npo.beta": 0.1, "train.lr": 1e-5, "train.epochs": 10}}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from suite.api.finished import FINISHED
from suite.config import method_settings, split_spec
from suite.config.places import without_folders
from suite.core.places import model_name
from suite.plan.cell import PlannedCell
from suite.plan.text_stages import TextStages
from suite.results.schema import Comparison
from suite.settings import HOW_A_STEP_IS_COMPUTED
from suite.stages.context import Context
from suite.store import Json, digest, jsonable


def with_settings(
    context: Context, known: Comparison, planned: PlannedCell, cells: Sequence[PlannedCell]
) -> Comparison:
    """Add to a table the settings of its benchmark, start models and rows, and what was read.

    `planned`: any cell of the table; `cells`: all of the run.
    """
    texts = planned.texts
    settings = _section(context, planned.benchmark.name, planned.benchmark.config)
    if texts is not None:
        settings |= _of_texts(context, texts)
    for name, origin in known.starts.items():
        settings[f"start.{name}"] = origin
    rows = {}
    for each in cells:
        if each.cell.table == known.key and each.family != "baseline":
            rows[each.cell.method] = _of_row(context, each)
    sources = _sources(texts) if texts is not None else {}
    return replace(known, settings=settings, methods=rows, sources=sources)


def _of_texts(context: Context, texts: TextStages) -> dict[str, Json]:
    """What decides data and start models of a benchmark that trains language models."""
    config = context.config
    settings: dict[str, Json] = {
        "model": model_name(config.model),
        "data": config.data and model_name(config.data),
        "template": config.template,
        "pad_token": config.pad_token,
        "dtype": context.dtype,
        "limit": config.limit,
        "allow_overlap": config.allow_overlap,
    }
    if texts.starts.made:
        settings |= _training("finetune", texts.finetune)
    return settings


def _of_row(context: Context, planned: PlannedCell) -> dict[str, Json]:
    """The settings of a method, and how it trains; nothing of a finished model that is measured."""
    if planned.benchmark.trains == "nothing":
        return {}
    if planned.family == FINISHED:
        return {"finished": planned.notes[0]}
    cell, registry = planned.cell, context.registry
    own, training = method_settings(
        context.config, registry, cell.method, cell.benchmark, cell.split
    )
    name, _ = split_spec(registry, cell.method)
    settings = _section(context, name, own)
    return settings | _training("train", training) if planned.train else settings


def _training(section: str, config: Any) -> dict[str, Json]:
    """How something trains. How a step is cut does not change its gradient."""
    values = asdict(config).items()
    kept = {name: value for name, value in values if name not in HOW_A_STEP_IS_COMPUTED}
    return {f"{section}.{name}": value for name, value in kept.items()}


def _section(context: Context, section: str, config: Any) -> dict[str, Json]:
    """The settings of a plugin; of files and folders the last part."""
    values = jsonable(config)
    assert isinstance(values, dict)
    sections = {section: values}
    shown = without_folders(replace(context.config, sections=sections), context.registry)
    return {f"{section}.{name}": value for name, value in shown.sections[section].items()}


def _sources(texts: TextStages) -> dict[str, str]:
    """Digests of the data, and of the base model's files; `tiny` has none of its own."""
    found = {"data": texts.reading.data_digest}
    base = texts.base.stage
    if texts.context.config.model != "tiny":
        found["model"] = digest(base.spec["model"])
    return found
