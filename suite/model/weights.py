"""What is looked at before weights are loaded, and after: no tensor may be left to chance.

transformers gives a tensor that the files lack random values, and says so in a log. Here it is
refused, and so are files that could not be read, before minutes are spent on them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from suite.core.errors import UserError

SHOWN = 3
"""So many tensors are named in a refusal."""
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
CONTEXT = (
    "max_position_embeddings",
    "n_positions",
    "max_sequence_length",
    "max_seq_len",
    "seq_length",
    "n_ctx",
)
"""Names of the context length in configurations, the most common first."""
UNBOUNDED = 2**20
"""The context of a model that states none."""


def context_of(config: Any) -> int:
    """Most tokens of a text, by a configuration (an object, or what config.json holds)."""
    values = config if isinstance(config, Mapping) else config.to_dict()
    for part in (values, values.get("text_config") or {}):
        for name in CONTEXT:
            if isinstance(part.get(name), int) and part[name] > 0:
                return int(part[name])
    return UNBOUNDED


def check_files(folder: Path) -> None:
    """Refuse a model folder whose configuration or weights cannot be those of a model.
    UserError."""
    config = configuration(folder)
    names = tensor_names(folder)
    if not names:
        raise UserError(f"--model {folder}: its weights hold no tensor")
    for part in (config, config.get("text_config") or {}):
        for key, value in part.items():
            size = isinstance(value, int) and key.endswith(("_size", *LAYERS, "_heads", "n_embd"))
            if size and value < 0:
                raise UserError(f"--model {folder}: config.json has {key} = {value}")
        layers = [part[key] for key in LAYERS if isinstance(part.get(key), int)]
        if layers and max(layers) > len(names):  # each layer has a tensor at least
            raise UserError(
                f"--model {folder}: config.json names {max(layers)} layers, but the weights hold "
                f"{len(names)} tensors"
            )


def check_adapters(folder: Path, option: str = "--model") -> None:
    """Refuse adapters without weights that are safe to read, or whose settings name code to
    import."""
    if not (folder / "adapter_model.safetensors").is_file():
        raise UserError(
            f"{option} {folder}: adapter_config.json without adapter_model.safetensors (pickled "
            "weights are never loaded)"
        )
    settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    if settings.get("megatron_config"):
        raise UserError(f"{option} {folder}: adapters with megatron_config cannot be loaded")


def configuration(folder: Path) -> dict[str, Any]:
    """What config.json holds. UserError: it cannot be a model's."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"--model {folder}: config.json cannot be read ({error})") from None
    if not isinstance(config, dict):
        raise UserError(f"--model {folder}: config.json is not an object")
    if not isinstance(config.get("text_config") or {}, dict):
        raise UserError(f"--model {folder}: text_config in config.json is not an object")
    return config


def tensor_names(folder: Path) -> set[str]:
    """Names of all tensors of a folder, from the headers of its files. UserError: a broken
    file."""
    from safetensors import SafetensorError, safe_open

    names: set[str] = set()
    for file in sorted(folder.glob("*.safetensors")):
        if file.name.startswith("adapter"):
            continue
        try:
            with safe_open(file, framework="pt") as opened:
                names |= set(opened.keys())
        except (SafetensorError, OSError) as error:
            raise UserError(f"--model {file}: not readable as weights ({error})") from None
    return names


def wrong_shapes(folder: Path) -> list[tuple[str]]:
    """Tensors of another shape than config.json says, as far as both name them alike."""
    import torch
    from safetensors import safe_open
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
        with torch.device("meta"):  # shapes alone
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except Exception:  # no model at all
        return []
    said = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    wrong: list[tuple[str]] = []
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            shapes = {name: opened.get_slice(name).get_shape() for name in opened.keys()}  # noqa: SIM118
        wrong += [
            (name,) for name in sorted(shapes) if said.get(name, shapes[name]) != shapes[name]
        ]
    return wrong


def is_bfloat16(folder: Path) -> bool:
    """Whether a model folder's weights are stored in bfloat16, all of them."""
    from safetensors import safe_open

    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            if any(opened.get_slice(name).get_dtype() != "BF16" for name in opened.keys()):  # noqa: SIM118
                return False
    return True


def refuse_gaps(info: Mapping[str, Any], what: str) -> None:
    """Refuse a model that was not given all its tensors; `info`: transformers' report of
    loading."""
    missing = sorted(info.get("missing_keys", ()))
    wrong = sorted({str(each[0]) for each in info["mismatched_keys"]})
    if not missing and not wrong:
        return
    parts: list[str] = []
    if missing:
        parts.append(f"the weights lack {_listed(missing)}")
    if wrong:
        parts.append(f"another shape than config.json says: {_listed(wrong)}")
    unknown = sorted(info.get("unexpected_keys", ()))
    if unknown:
        parts.append(f"they hold {_listed(unknown)} instead")
    raise UserError(f"{what}: {'; '.join(parts)}")


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more
