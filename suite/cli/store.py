"""`suite store`: what lies in the store, why, where, and how to be rid of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.cli.streams import say
from suite.core.amounts import in_bytes
from suite.core.errors import MissingError, UserError

if TYPE_CHECKING:
    from suite.store.inventory import Entry
    from suite.store.runs import RunRecord

UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
"""Seconds of the units of --older."""
NO_RUN = "(no run)"
SHARED = "(several)"

store_option = click.option(
    "--store",
    "root",
    type=click.Path(path_type=Path),
    callback=lambda _context, _option, value: _root(value),
    help="Default: SUITE_STORE or the user's cache folder.",
)
run_option = click.option("--run", metavar="RUN", help="Only entries of this run: folder or name.")
kind_option = click.option("--kind", metavar="KIND", help="Only entries of this kind: train, ...")


@click.group()
def store() -> None:
    """List, explain and remove what runs have left in the store.

    \b
    Examples:
      suite store list                            sizes by run and method
      suite store list --run runs/latest          every entry of a run
      suite store why 5c1f0a2b                    what an entry was made from
      suite store where runs/latest --method npo  the folder of a method's weights
      suite store rm --older 30d --kind train --dry-run
    """


@store.command("list")
@run_option
@kind_option
@store_option
def list_(root: Path, run: str | None, kind: str | None) -> None:
    """List entries by run and method, with size and age.

    With --run or --kind every entry has a line. An entry that several methods or runs need is
    counted once, under "(several)".
    """
    from suite.cli.tables import show_table
    from suite.store.inventory import inventory
    from suite.store.runs import read_runs

    records = read_runs(root)
    entries = _chosen(inventory(root), root, run, kind)
    rows = _rows(entries, records) if run or kind else _sums(entries, records)
    total = sum(entry.size for entry in entries)
    if rows:
        show_table(str(root), rows)
    click.echo(f"{len(entries)} entries, {in_bytes(total)} in {root}")


@store.command()
@click.argument("key")
@click.argument("other", required=False)
@store_option
def why(root: Path, key: str, other: str | None) -> None:
    """Say what an entry was made from; with OTHER, in what two entries differ.

    The beginning of a key is enough. Inputs that differ are followed to the setting, the data or
    the code that made them differ.

    \b
    Examples:
      suite store why 5c1f0a2b
      suite store why 5c1f0a2b 90aa31c7
    """
    from suite.store.explain import differences, explain
    from suite.store.inventory import find_manifest

    manifest = find_manifest(root, key)
    if other is None:
        lines = list(explain(root, manifest))
    else:
        lines = list(differences(root, manifest, find_manifest(root, other)))
    for line in lines or ["both are the same entry"]:
        say(line)


@store.command()
@click.argument("run")
@click.option("--method", required=True, help="A method or start model, as in the leaderboard.")
@click.option("--epoch", type=int, help="Default: the last.")
@store_option
def where(root: Path, run: str, method: str, epoch: int | None) -> None:
    """Print the folder of a method's weights; RUN is a run's folder, or its name.

    \b
    Examples:
      suite store where runs/latest --method npo
      suite store where runs/latest --method npo --epoch 3
    """
    from suite.store.models import weights_of

    for folder in weights_of(root, run, method, epoch):
        say(folder)


@store.command()
@click.option("--older", metavar="AGE", help="Only entries older than this: 12h, 30d, 8w.")
@kind_option
@run_option
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@store_option
def rm(root: Path, older: str | None, kind: str | None, run: str | None, dry_run: bool) -> None:
    """Remove entries by age, kind or run; they must fulfil all conditions that are given.

    Entries that a running process uses stay; with --run also those that another run needs. What was
    removed is made again when a run asks for it.

    \b
    Examples:
      suite store rm --older 30d --kind train --dry-run
      suite store rm --run 2026-11-25_12-14-28_tofu_ga-npo
    """
    from suite.store.inventory import in_use, inventory, remove

    if older is None and kind is None and run is None:
        raise UserError("say what to remove: --older, --kind or --run")
    entries = _chosen(inventory(root), root, run, kind, only_its_own=True)
    seconds = 0.0 if older is None else _seconds(older)
    entries = [entry for entry in entries if entry.age >= seconds]
    if dry_run:
        done = [(entry, not in_use(root, entry)) for entry in entries]
    else:
        done = list(remove(root, entries))
    for entry, gone in done:
        state = _state(gone, dry_run)
        say(f"{state}: {entry.kind} {entry.key[:12]} {in_bytes(entry.size)} {entry.label}")
    freed = sum(entry.size for entry, gone in done if gone)
    said = "would be removed" if dry_run else "removed"
    click.echo(f"{sum(gone for _, gone in done)} entries {said}, {in_bytes(freed)}")


def _state(gone: bool, dry_run: bool) -> str:
    if not gone:
        return "in use, stays"
    return "would go" if dry_run else "removed"


def _root(folder: Path | None) -> Path:
    from suite.store import default_root

    root = (folder or default_root()).expanduser().absolute()
    if not root.is_dir():
        raise MissingError(f"the store {root}: no such folder")
    return root


def _chosen(
    entries: list[Entry],
    root: Path,
    run: str | None,
    kind: str | None,
    *,
    only_its_own: bool = False,
) -> list[Entry]:
    """The entries of a run and of a kind. `only_its_own`: not those that other runs need too."""
    from suite.core.errors import unknown
    from suite.store.runs import find_run, read_runs

    if kind is not None:
        kinds = {entry.kind for entry in entries}
        if kind not in kinds:
            raise unknown("kind of entry", kind, kinds)
        entries = [entry for entry in entries if entry.kind == kind]
    if run is None:
        return entries
    record = find_run(root, run)
    keys = set(record.methods)
    for other in read_runs(root) if only_its_own else ():
        if other.out != record.out:
            keys -= other.methods.keys()
    return [entry for entry in entries if entry.key in keys]


def _whose(entry: Entry, records: Sequence[RunRecord]) -> tuple[str, str]:
    """(run, method) of an entry."""
    runs = [record for record in records if entry.key in record.methods]
    methods = dict.fromkeys(method for record in runs for method in record.methods[entry.key])
    names = [record.name for record in runs]
    return _one(names, NO_RUN), _one(list(methods), "")


def _one(names: Sequence[str], none: str) -> str:
    return none if not names else names[0] if len(names) == 1 else SHARED


def _sums(entries: Iterable[Entry], records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """A row for each run and method."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_whose(entry, records), []).append(entry)
    rows = []
    for (run, method), group in sorted(groups.items()):
        weights = sum(entry.size for entry in group if entry.kind in ("train", "base"))
        rows.append(
            {
                "run": run,
                "method": method,
                "entries": len(group),
                "size": in_bytes(sum(entry.size for entry in group)),
                "of it weights": in_bytes(weights),
                "last made": _ago(min(entry.age for entry in group)),
            }
        )
    return rows


def _rows(entries: Iterable[Entry], records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """A row for each entry."""
    rows = []
    for entry in entries:
        run, method = _whose(entry, records)
        row = {"key": entry.key[:12], "kind": entry.kind, "what": entry.label}
        size = {"size": in_bytes(entry.size), "made": _ago(entry.age)}
        rows.append({**row, "run": run, "method": method, **size})
    return rows


def _seconds(age: str) -> float:
    found = re.fullmatch(r"(\d+)([mhdw])", age)
    if found is None:
        raise UserError(f"--older {age!r}: expected a number and m, h, d or w, such as 30d")
    return float(found[1]) * UNITS[found[2]]


def _ago(seconds: float) -> str:
    for unit in ("d", "h", "m"):
        if seconds >= UNITS[unit]:
            return f"{seconds / UNITS[unit]:.0f}{unit} ago"
    return "now"
