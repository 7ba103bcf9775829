"""Models as folders: a hub id, a local folder, a .gguf file or `tiny`, brought to one form and
loaded.

A model folder is what `save_pretrained` writes (config.json, model.safetensors, tokenizer files),
so that every checkpoint in the store can be loaded by `transformers` or served by vLLM as it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.core import hub
from suite.core.errors import UserError
from suite.model.encoding import Encoder, check_template
from suite.model.hardware import ATTENTION
from suite.model.weights import check_adapters, check_files, context_of, refuse_gaps
from suite.store import read_json, write_json

if TYPE_CHECKING:
    import torch
    from torch import nn

CLONE = 0x40049409
"""FICLONE, Linux's request to share the blocks of a file."""
COPIED = 2**24
"""Bytes copied at once."""
BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, IndexError)
"""What transformers raises at files that are no model."""


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


def load_tokenizer(folder: str | Path, pad_token: str | None = None, **options: Any) -> Any:
    """Load a tokenizer; `pad_token` names the padding token where the tokenizer has none of its
    own."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, **options)
    except BROKEN as error:
        raise UserError(f"--model {folder}: no usable tokenizer ({_first_line(error)})") from error
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
            raise UserError(f"--model {folder}: cannot be loaded ({_first_line(error)})") from error
    refuse_gaps(info, f"--model {folder}")
    return model.eval()


def import_base(source: Path, out: Path, pad_token: str | None, template: str) -> None:
    """Write the model in `source` (folder or .gguf file) as a model folder; check its tokenizer
    before its weights."""
    from suite.model.rounding import drop_ties, holds

    gguf = {"gguf_file": source.name} if source.is_file() else {}
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
    # Adapters beside the model are merged, not copied: see `suite.model.adapters`.
    files = [file for file in model_files(source) if not file.name.startswith("adapter_")]
    check_files(source)
    _check_pad(tokenizer, read_json(source / "config.json"), source)
    for file in files:
        place(file, out / file.name)
    tokenizer.save_pretrained(out)


def _check_pad(tokenizer: Any, config: Any, source: Path) -> None:
    """Refuse a pad token that the model has no embedding for."""
    size = (config.get("text_config") or config).get("vocab_size")
    if isinstance(size, int) and tokenizer.pad_token_id >= size:
        raise UserError(
            f"--model {source}: its pad token {tokenizer.pad_token!r} lies outside the model's "
            f"{size} embeddings; name another with --pad-token"
        )


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
            f"{option} {name}: the hub does not give this model ({_first_line(error)})"
        ) from error


def _plain(model: Any) -> Any:
    """Copy de-quantised weights into a fresh model: transformers refuses to save one that came from
    a GGUF file."""
    from transformers import AutoModelForCausalLM

    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    fresh = AutoModelForCausalLM.from_config(config, dtype=model.dtype)
    fresh.load_state_dict(model.state_dict())
    fresh.generation_config = model.generation_config
    return fresh


def save_model(model: Any, tokenizer: Any, out: Path) -> None:
    """Write weights (safetensors), configuration and tokenizer."""
    with quiet():
        model.save_pretrained(out, safe_serialization=True)
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


@cache
def load_encoder(folder: Path, template: str, max_length: int) -> Encoder:
    """Tokenizer and template of a model folder in the store; texts longer than its context are
    refused."""
    context = context_of(read_json(folder / "config.json"))
    return Encoder(load_tokenizer(folder), template, min(max_length, context))


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


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
