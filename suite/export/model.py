"""A model of a run as a plain model folder: weights, tokenizer, and a card about how it was made.

npo/README.md                  the card: data, method, settings, metrics, licence
npo/.eval_results/tofu.yaml    the hub's form of results, where the data are on the hub
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w
import yaml

from suite.api.cells import CellResult
from suite.core.errors import UserError, unknown
from suite.model.folder import place
from suite.model.source import model_files
from suite.report.numbers import number
from suite.report.text import markdown, one_line, visible
from suite.results.schema import Results
from suite.store import atomic_write, inside


def cell_of(results: Results, name: str) -> CellResult:
    """The finished cell of a method; `name`: the method, or the slug of one of its cells.

    UserError: there is none, or there are several.
    """
    cells = [cell for cell in results.cells if cell.status == "ok"]
    found = [cell for cell in cells if name in (cell.cell.method, cell.cell.slug)]
    if len(found) > 1:
        slugs = ", ".join(cell.cell.slug for cell in found)
        raise UserError(f"--model {name}: the run has several: {slugs}")
    if not found:
        raise unknown("model", name, {cell.cell.method for cell in cells})
    return found[0]


def export_model(
    results: Results, cell: CellResult, weights: Path, source: str, out: Path
) -> list[Path]:
    """Write the model folder `out`, which must be new or empty; return its files.

    `weights`: the model's folder in the store. `source`: the run's `--model`, whose card may name
    a licence.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--to {out}: exists already; choose a new folder")
    cards = card_files(results, cell, licence_of(source))
    texts = {inside(out, name): text for name, text in cards.items()}
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for file in model_files(weights):
        place(file, out / file.name)
        written.append(out / file.name)
    for path, text in texts.items():
        atomic_write(path, text)
    return [*written, *texts]


def card_files(results: Results, cell: CellResult, licence: str | None) -> dict[str, str]:
    """README.md, and the hub's result file where the data have a hub id."""
    head = front_matter(results, cell, licence)
    files = {"README.md": f"---\n{head}---\n\n{_body(results, cell)}"}
    data = hub_id(results.run.config.get("data"))
    entries = list(_entries(cell, data)) if data else []
    if entries:
        files[f".eval_results/{cell.cell.benchmark}.yaml"] = yaml.safe_dump(
            entries, sort_keys=False
        )
    return files


def front_matter(results: Results, cell: CellResult, licence: str | None) -> str:
    """The head of the card, as the hub reads it."""
    base, data = hub_id(cell.cell.model), hub_id(results.run.config.get("data"))
    values: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": [cell.family, cell.cell.method.partition(":")[0], "suite-compare"],
        **({"base_model": base} if base else {}),
        **({"datasets": [data]} if data else {}),
        **({"license": licence} if licence else {}),
    }
    return yaml.safe_dump(values, sort_keys=False)


def _entries(cell: CellResult, data: str) -> Iterator[dict[str, Any]]:
    """The hub's result entries, one for each metric that has a value."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    task = f"{cell.cell.benchmark}_{cell.cell.split}"
    known = [metric for metric in cell.metrics if metric.value is not None]
    for metric in known:
        notes = metric.note or None
        entry = EvalResultEntry(data, f"{task}_{metric.name}", metric.value, notes=notes)
        yield from eval_result_entries_to_yaml([entry])


def hub_id(name: Any) -> str | None:
    """The name, if it can be a hub id (owner/name)."""
    is_id = isinstance(name, str) and name.count("/") == 1 and not name.startswith((".", "/"))
    return name if is_id else None


def licence_of(source: str) -> str | None:
    """The licence that the base model's card names; None where no card is at hand."""
    card = Path(source).expanduser() / "README.md"
    if not card.is_file():
        return None
    head = card.read_text(encoding="utf-8", errors="replace").split("---\n")
    try:
        values = yaml.safe_load(head[1]) if len(head) > 2 and not head[0].strip() else None
    except yaml.YAMLError:
        return None
    licence = values.get("license") if isinstance(values, dict) else None
    return licence if isinstance(licence, str) else None


def _body(results: Results, cell: CellResult) -> str:
    run, named = results.run, cell.cell
    method = named.method.partition(":")[0]
    sections: dict[str, Any] = run.config.get("sections", {})
    settings: dict[str, Any] = {}
    settings |= {"finetune": run.config.get("finetune", {}), "train": run.config.get("train", {})}
    settings |= {name: sections[name] for name in (method, named.benchmark) if name in sections}
    lines = [
        f"# {markdown(named.method)} on {markdown(named.benchmark)} {markdown(named.split)}",
        "",
        f"- Method: {markdown(named.method)} ({markdown(cell.family)}), {named.shown_run}",
        f"- Base model: {markdown(named.model)}",
        f"- Data: {markdown(str(run.config.get('data') or 'the default of the benchmark'))}, "
        f"split {markdown(named.split)}",
        f"- Precision of the run: {markdown(run.dtype)}",
        *(f"- {markdown(note)}" for note in cell.notes),
        *(["- Measured on a part of the questions only"] if cell.partial else []),
        "",
        "## Metrics",
        "",
        "| metric | value | 95 % interval | n | note |",
        "| --- | --- | --- | --- | --- |",
    ]
    for metric in cell.metrics:
        low, high = metric.ci_low, metric.ci_high
        interval = "" if low is None else f"[{number(low)}, {number(high)}]"
        values = (metric.name, number(metric.value), interval, str(metric.n), metric.note)
        lines.append(f"| {' | '.join(markdown(value) for value in values)} |")
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    shown = visible(tomli_w.dumps(_without_none(settings)))
    lines += ["", "## Settings", "", "```toml", shown.rstrip(), "```", "", "## Made by", ""]
    lines += [f"    {one_line(command)}" for command in run.command.splitlines()]
    lines += ["", markdown(versions), ""]
    return "\n".join(lines)


def _without_none(value: Any) -> Any:
    """TOML has no null."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return value
