"""What a reader needs to build the results again: the run, the machines, the data, the notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suite.results.schema import Results, Run


def provenance(results: Results) -> list[tuple[str, str]]:
    """List what was run, as (name, value)."""
    run = results.run
    facts = [
        ("Engine", run.engine),
        ("Precision", run.dtype),
        ("Template", run.template),
        ("Device", run.device),
        ("Seeds", ", ".join(map(str, run.seeds))),
        ("Start seeds", ", ".join(map(str, run.start_seeds))),
        ("Versions", _list_versions(run.versions)),
        ("Plugins", _list_versions(run.plugins)),
    ]
    # A dict, because it keeps the order and drops repetitions.
    machines: dict[str, None] = {}
    for result in results.cells:
        if result.environment:
            machines[describe_environment(result.environment)] = None
    facts.append(("Machine" if len(machines) < 2 else "Machines", " | ".join(machines)))
    for comparison in results.comparisons:
        label = " · ".join(comparison.key)
        facts.append((f"Data of {label}", comparison.revision))
        if comparison.judge:
            facts.append((f"Judge of {label}", comparison.judge))
        for name, origin in comparison.starts.items():
            facts.append((f"{name} model of {label}", origin))
        if comparison.baseline_key and comparison.baseline not in comparison.starts:
            facts.append((f"{comparison.baseline} model of {label}", comparison.baseline_key))
    return [(name, value) for name, value in facts if value]


def describe_environment(environment: Mapping[str, Any]) -> str:
    """Say where a cell ran: "Linux x86_64, cpu, float32"."""
    others = dict(environment)
    system = [str(others.pop(name)) for name in ("system", "machine") if name in others]
    parts = [" ".join(system), *map(str, others.values())]
    return ", ".join(filter(None, parts)) or "an unknown machine"


def deviations(results: Results) -> list[str]:
    """List the notes of the run, of the data and of cells; each once, with its methods."""
    shared: dict[str, None] = {}
    for comparison in results.comparisons:
        shared.update(dict.fromkeys(comparison.notes))
    methods_of: dict[str, dict[str, None]] = {}
    for result in results.cells:
        for note in result.notes:
            methods_of.setdefault(note, {})[result.cell.method] = None
    of_cells = [f"{', '.join(methods)}: {note}" for note, methods in methods_of.items()]
    return [*results.run.notes, *shared, *of_cells]


def _list_versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def commands(run: Run) -> list[str]:
    """List the command lines that reproduce the results (several after a merge)."""
    return run.command.splitlines()
