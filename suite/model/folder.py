"""Models as folders: a hub id, a local folder, a .gguf file or `tiny`, brought to one form and
loaded.

A model folder is what `save_pretrained` writes (config.json, model.safetensors, tokenizer files),
so that every checkpoint in the store can be loaded by `transformers` or served by vLLM as it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.core.errors import UserError, first_line
from suite.model.encoding import Encoder, check_template
from suite.model.hardware import ATTENTION
from suite.model.source import model_files
from suite.model.weights import check_files, context_of, refuse_gaps, wrong_shapes
from suite.store import read_json, write_json

if TYPE_CHECKING:
    import torch
    from torch import nn

CLONE = 0x40049409
"""FICLONE, Linux's request to share the blocks of a file."""
COPIED = 2**24
"""Bytes copied at once."""
BROKEN = Exception
"""What transformers raises at files that are no model: its checks, a division by 0, and more."""


def load_tokenizer(folder: str | Path, pad_token: str | None = None, **options: Any) -> Any:
    """Load a tokenizer; `pad_token` names the padding token where the tokenizer has none of its
    own."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, **options)
    except BROKEN as error:
        raise UserError(f"--model {folder}: no usable tokenizer ({first_line(error)})") from error
    if pad_token is not None:
        if pad_token not in tokenizer.get_vocab():
            raise UserError(f"--pad-token {pad_token!r} is not a token of {folder}")
        tokenizer.pad_token = pad_token
    return tokenizer


def load_model(folder: str | Path, **options: Any) -> Any:
    """Load a causal language model in float32, in eval mode: no dropout anywhere, in training
    either."""
    import torch
    from transformers import AutoModelForCausalLM

    import suite.model.attention  # noqa: F401  registers ATTENTION

    if not options:  # a .gguf file has a form of its own
        check_files(Path(folder))
    with quiet():
        try:
            model, info = AutoModelForCausalLM.from_pretrained(
                str(folder),
                dtype=torch.float32,
                attn_implementation=ATTENTION,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                **options,
            )
        except BROKEN as error:
            if wrong := [] if options else wrong_shapes(Path(folder)):
                refuse_gaps({"mismatched_keys": wrong}, f"--model {folder}")
            raise UserError(f"--model {folder}: cannot be loaded ({first_line(error)})") from error
    refuse_gaps(info, f"--model {folder}")
    return model.eval()


def import_base(source: Path, out: Path, pad_token: str | None, template: str) -> None:
    """Write the model in `source` (folder or .gguf file) as a model folder; check its tokenizer
    before its weights."""
    from suite.model.rounding import drop_ties, holds

    gguf = {"gguf_file": source.name} if source.is_file() else {}
    if not gguf:
        # Adapters beside the model are merged, not copied: see `suite.model.adapters`.
        files = [file for file in model_files(source) if not file.name.startswith("adapter_")]
        check_files(source)  # first: a tokenizer reads config.json too
    tokenizer = load_tokenizer(source.parent if gguf else source, pad_token, **gguf)
    check_template(tokenizer, template)
    if gguf:
        model = _plain(load_model(source.parent, **gguf))
        drop_ties(model)
        exact = holds(model)
        save_model(model, tokenizer, out)
        if exact:
            to_bfloat16(out)
        return
    check_pad(tokenizer, source)
    load_model(source)  # refused now if it lacks a tensor: not every program asks
    for file in files:
        place(file, out / file.name)
    tokenizer.save_pretrained(out)


def check_pad(tokenizer: Any, source: Path) -> None:
    """Refuse a pad token that the model in the folder `source` has no embedding for."""
    config = read_json(source / "config.json")
    size = (config.get("text_config") or config).get("vocab_size")
    if isinstance(size, int) and tokenizer.pad_token_id >= size:
        raise UserError(
            f"--model {source}: its pad token {tokenizer.pad_token!r} lies outside the model's "
            f"{size} embeddings; name another with --pad-token"
        )


def place(source: Path, target: Path) -> None:
    """Copy a file into the store: it must not change when the user's own is written in place.

    A file system that can shares the blocks until one of the two is written. Permissions are not
    taken over: files that are read-only there are written here.
    """
    with source.open("rb") as old, target.open("wb") as new:
        try:
            fcntl.ioctl(new.fileno(), CLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, COPIED)


def _plain(model: Any) -> Any:
    """Copy de-quantised weights into a fresh model: transformers refuses to save one that came from
    a GGUF file."""
    from transformers import AutoModelForCausalLM

    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    fresh = AutoModelForCausalLM.from_config(config, dtype=model.dtype, trust_remote_code=False)
    fresh.load_state_dict(model.state_dict())
    fresh.generation_config = model.generation_config
    return fresh


def save_model(
    model: Any, tokenizer: Any, out: Path, weights: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Write weights (safetensors), configuration and tokenizer; `weights`: other than the
    model's own."""
    with quiet():
        model.save_pretrained(out, state_dict=weights, safe_serialization=True)
        tokenizer.save_pretrained(out)


def to_bfloat16(folder: Path) -> None:
    """Round the weights of a model folder to bfloat16: half the bytes of float32."""
    import torch
    from safetensors.torch import load_file, save_file

    for file in sorted(folder.glob("*.safetensors")):
        tensors = load_file(file)
        rounded = {name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}
        # Beside it first: the tensors that were read are pages of the old file.
        fresh = file.with_suffix(".new")
        save_file(rounded, fresh, metadata={"format": "pt"})
        fresh.replace(file)
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {**config, "dtype": "bfloat16"})


def load_weights(model: nn.Module, folder: Path) -> None:
    """Replace a model's weights by those of a checkpoint of the same architecture."""
    from safetensors.torch import load_file

    state: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        state |= load_file(file)
    missing, unexpected = model.load_state_dict(state, strict=False)
    tied = set(getattr(model, "all_tied_weights_keys", None) or ())
    if unexpected or set(missing) - tied:
        raise UserError(
            f"{folder}: weights do not fit the model (missing {missing}, unexpected {unexpected})"
        )
    if tied:
        model.tie_weights()  # type: ignore[operator]


def disable_dropout(model: nn.Module) -> None:
    """Set every dropout probability to 0: with dropout, policy and reference would differ at step
    0."""
    from torch import nn

    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name, value in vars(module).items():  # of those that call the function themselves
            if name.endswith("dropout") and isinstance(value, float):
                setattr(module, name, 0.0)


@cache
def load_encoder(
    folder: Path, template: str, max_length: int, setting: str = "train.max_length"
) -> Encoder:
    """Tokenizer and template of a model folder in the store; texts longer than its context are
    refused."""
    context = context_of(read_json(folder / "config.json"))
    return Encoder(load_tokenizer(folder), template, max_length, context, setting)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' progress bars and load reports: the run has its own progress."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
