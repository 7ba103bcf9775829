"""LoRA through peft: train few weights, yet leave behind model folders like any other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from suite.core.errors import UserError
from suite.model import folder as models
from suite.model.encoding import check_template
from suite.model.four_bit import plain_state
from suite.model.weights import check_adapters


def wrap(model: Any, rank: int, alpha: float) -> Any:
    """Freeze the model and put adapters on every linear layer of its decoder."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config).eval()


def import_adapters(
    source: Path, base: Path, out: Path, pad_token: str | None, template: str
) -> None:
    """Write adapters that were trained elsewhere as a model folder: the base with them merged in.

    `base`: folder or .gguf file. The tokenizer is the adapters' own, if their folder has one.
    """
    from peft import PeftModel

    with TemporaryDirectory(dir=out.parent) as place:
        folder = Path(place)
        own = source if (source / "tokenizer_config.json").is_file() else None
        models.import_base(
            base, folder, None if own else pad_token, "{prompt}" if own else template
        )
        tokenizer = models.load_tokenizer(own or folder, pad_token)
        check_template(tokenizer, template)
        models.check_pad(tokenizer, folder)
        model = models.load_model(folder)
        check_adapters(source)
        try:
            merged = PeftModel.from_pretrained(model, str(source)).merge_and_unload()
        except models.BROKEN as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"{source}: its adapters do not fit {base}: {reason}") from None
        models.save_model(merged, tokenizer, out)


@torch.no_grad()
def save(
    model: Any, tokenizer: Any, folder: Path, weights: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Write a model folder; with adapters, the merged weights, and the adapters alone in
    `adapter/`. `weights`: of a model without adapters, in place of those that it holds."""
    if not hasattr(model, "get_base_model"):
        models.save_model(model, tokenizer, folder, weights)
        return
    model.save_pretrained(folder / "adapter")
    _without_places(folder / "adapter")
    base = model.get_base_model()
    with models.quiet():
        base.save_pretrained(folder, state_dict=merged_state(base), safe_serialization=True)
        tokenizer.save_pretrained(folder)


def _without_places(folder: Path) -> None:
    """Leave out of peft's files what differs from machine to machine: the base's path, the order of
    a set, a page with both."""
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    config["base_model_name_or_path"] = None
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def merged_state(base: Any) -> dict[str, torch.Tensor]:
    """Weights with their adapters added, computed on the side: merging in place cannot be undone
    exactly."""
    from peft.tuners.lora import LoraLayer

    layers = {n: m for n, m in base.named_modules() if isinstance(m, LoraLayer)}
    state: dict[str, torch.Tensor] = {}
    for name, tensor in plain_state(base).items():
        owner, _, leaf = name.rpartition(".")
        if ".lora_" in f".{name}":
            continue
        if owner.endswith(".base_layer"):
            owner = owner.removesuffix(".base_layer")
            delta = layers[owner].get_delta_weight("default") if leaf == "weight" else 0.0
            state[f"{owner}.{leaf}"] = tensor + delta
        else:
            state[name] = tensor
    return state
