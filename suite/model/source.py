"""Where a model comes from (a hub id, a folder, a .gguf file or `tiny`), and which files make it
up."""

from __future__ import annotations

from pathlib import Path

from suite.core import hub
from suite.core.errors import UserError, first_line
from suite.model.weights import check_adapters
from suite.store import read_json


def check_source(spec: str, option: str = "--model") -> None:
    """Refuse a model that isn't there, before anything heavy is imported.

    `option`: what named it.
    """
    path = Path(spec).expanduser()
    if spec == "tiny":
        return
    if spec.endswith(".gguf"):
        if not path.is_file():
            raise UserError(f"{option} {spec}: no such file")
        if path.read_bytes()[:4] != b"GGUF":
            raise UserError(f"{option} {spec}: not a GGUF file")
    elif path.is_dir():
        _check_folder(path, spec, option)
    elif spec.startswith((".", "/", "~")) or split_revision(spec)[0].count("/") != 1:
        raise UserError(
            f"{option} {spec}: no such folder (hub ids look like owner/name; the embedded model "
            "is `tiny`)"
        )
    else:
        _check_hub(split_revision(spec)[0], option)


def split_revision(spec: str) -> tuple[str, str | None]:
    """Split a hub id `owner/name@revision`; without a revision, None: the hub's newest."""
    name, _, revision = spec.partition("@")
    return name, revision or None


def _check_folder(path: Path, spec: str, option: str) -> None:
    """Refuse a folder that is no model's; an adapter folder also where its base is not there."""
    if base := adapter_base(path, option):
        if Path(base) != path:
            if base == "tiny" or adapter_base(Path(base), option):
                raise UserError(f"{option} {spec}: adapters on {base} cannot be loaded")
            check_source(base, f"{option} {spec}: its base model")
        check_adapters(path, option)
    elif not (path / "config.json").is_file():
        found = ", ".join(sorted(p.name for p in path.iterdir())[:5]) or "nothing"
        raise UserError(f"{option} {spec}: no config.json in this folder (it holds {found})")
    model_files(path, option)


def adapter_base(folder: Path, option: str = "--model") -> str | None:
    """The base model that a folder of peft adapters names; None: it holds no adapters.

    Adapters that were saved into the folder of a model have that model as their base. A relative
    path is looked for from here, then from the folder.
    """
    file = folder / "adapter_config.json"
    if not file.is_file():
        return None
    if (folder / "config.json").is_file():
        return str(folder)
    try:
        content = read_json(file)
        base = content["base_model_name_or_path"]
        revision = content.get("revision")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{option} {folder}: {file.name} names no base model ({error})") from None
    if not isinstance(base, str) or not base:
        raise UserError(f"{option} {folder}: {file.name} names no base model")
    if not Path(base).exists() and (folder / base).exists():
        return str(folder / base)
    is_hub_id = revision and not Path(base).exists() and "@" not in base
    return f"{base}@{revision}" if is_hub_id else base


def _check_hub(name: str, option: str) -> None:
    """Refuse a model that neither the hub nor its cache on this machine has."""
    try:
        hub.check(name, "model")
    except UserError as error:
        raise UserError(f"{option} {name}: no such folder, and {error}") from None


def model_files(folder: Path, option: str = "--model") -> list[Path]:
    """The files of a model folder that make up the model: weights, configuration, tokenizer."""
    kinds = {".safetensors", ".json", ".jinja", ".model", ".txt"}
    files = [p for p in sorted(folder.iterdir()) if p.suffix in kinds and p.is_file()]
    if not any(p.suffix == ".safetensors" for p in files):
        raise UserError(
            f"{option} {folder}: no .safetensors file in this folder (pickled weights are never "
            "loaded)"
        )
    return files


def download(name: str, option: str = "--model") -> Path:
    """Fetch a hub model's files (or find them in the hub's cache); the folder's name is the
    commit."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    patterns = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
    repository, revision = split_revision(name)
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=patterns))
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"{option} {name}: no such folder, the hub cannot be reached, and its cache on this "
            "machine does not have the model"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise UserError(
            f"{option} {name}: the hub does not give this model ({first_line(error)})"
        ) from error
