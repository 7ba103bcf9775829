"""The default engine: transformers, in this process. What requests share is computed once.

    engine = HFEngine(device="cpu", dtype="float32")
    engine.load(folder)
    for response in engine.stream(requests): ...

Likelihoods come from the same decoder, projection and precision as the losses. In bfloat16 the
weights of linear layers are cast once and everything runs under autocast: the numbers are those of
autocast over fp32 weights, which is how models train, but no weight is cast again at every call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite import hookimpl
from suite.api.engine import Engine
from suite.api.requests import Request, Response
from suite.engines.kinds import check_kinds
from suite.model.hardware import ATTENTION
from suite.ranges import Count

if TYPE_CHECKING:
    from suite.model.encoding import Encoder

ARCHITECTURE = (
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "vocab*",
    "merges.txt",
    "chat_template*",
)
"""Files of a model folder beside the weights, as patterns."""


@dataclass(frozen=True)
class HFConfig:
    """Settings of the engine."""

    batch_tokens: Count = 4096
    """Padded tokens of one batch, cached ones included (rows grow while they are decoded)."""


class HFEngine(Engine):
    """Answers with a causal language model of transformers.

    See `suite.settings.RunConfig` for the arguments.
    """

    name = "hf"
    Config = HFConfig

    def __init__(
        self,
        device: str,
        dtype: str,
        template: str = "chat",
        max_length: int = 512,
        config: HFConfig | None = None,
        pad_token: str | None = None,
    ) -> None:
        super().__init__(
            device=device, dtype=dtype, template=template, max_length=max_length, config=config
        )
        self.pad_token = pad_token
        self.model: Any = None
        self.encoder: Encoder
        self._files: dict[str, bytes] = {}
        self._untried = False
        """Whether the model has read no text of the data yet."""

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse a kind of request that this engine does not know."""
        check_kinds(self.name, requests)

    def load(self, folder: Path) -> None:
        """Answer from the weights in `folder`. If only the weights differ, only they are read."""
        from suite.model.folder import load_weights

        files, known = _architecture(folder), self._files
        self._files = {}  # should loading fail half-way, the next load is a full one
        if known and files == known:
            load_weights(self.model, folder)
        else:
            self._load_all(folder)
        if not self._untried:
            self._cast()
        self._files = files

    def _load_all(self, folder: Path) -> None:
        from suite.engines.hf.checks import check_cache
        from suite.model.agreement import check_agreement
        from suite.model.encoding import Encoder
        from suite.model.folder import load_model, load_tokenizer
        from suite.model.weights import context_of

        self.model = None  # before the next is loaded: never two models in memory
        tokenizer = load_tokenizer(folder, self.pad_token)
        model = load_model(folder).to(self.device)
        longest = min(self.max_length, context_of(model.config))
        check_agreement(model, (), longest)
        check_cache(model, longest)
        self.model, self._untried = model, True
        self.encoder = Encoder(tokenizer, self.template, self.max_length, self.context)

    def _try(self, requests: Sequence[Request]) -> None:
        """Compare the model's own forward with ours on texts of the data: the first that are
        asked. Not before, and not after its weights are cast, since its own forward is in
        float32."""
        from suite.engines.hf.checks import texts_of
        from suite.model.agreement import check_agreement

        check_agreement(self.model, texts_of(requests, self.encoder), longest=0)
        self._untried = False
        self._cast()

    def _cast(self) -> None:
        if self.dtype != "bfloat16":
            return
        import torch
        from torch import nn

        for module in self.model.modules():
            # A new parameter, so that an embedding tied to it keeps fp32, as it does in autocast.
            if isinstance(module, nn.Linear):
                cast = module.weight.detach().to(torch.bfloat16)
                module.weight = nn.Parameter(cast, requires_grad=False)

    @property
    def context(self) -> int:
        """Most tokens of a text, by the model's configuration."""
        from suite.model.weights import context_of

        return context_of(self.model.config)

    @property
    def eos_ids(self) -> frozenset[int]:
        """Every token that ends a text."""
        from suite.model.logprobs import end_ids

        return end_ids(self.model) | {self.encoder.eos_id, self.encoder.tokenizer.eos_token_id}

    def precision(self) -> AbstractContextManager[Any]:
        """The context of a forward pass."""
        if self.dtype != "bfloat16":
            return nullcontext()
        import torch

        return torch.autocast(self.device.split(":")[0], torch.bfloat16)

    def stream(self, requests: Sequence[Request]) -> Iterator[Response]:
        """Answer every request once: likelihoods batch by batch, generated texts as they end."""
        from suite.engines.hf.answering import Answering

        assert self.model is not None, "load a model first"
        if self._untried and requests:
            self._try(requests)
        answering = Answering(self.model, self.encoder, self.precision, self.eos_ids, self.context)
        return answering.stream(requests, self.config.batch_tokens)

    def identity(self) -> dict[str, str]:
        """Name and versions, as they enter the key of what this engine answers."""
        from importlib.metadata import version

        return {
            "engine": self.name,
            "torch": version("torch"),
            "transformers": version("transformers"),
            "dtype": self.dtype,
            "attention": ATTENTION,
            "batch_tokens": str(self.config.batch_tokens),
        }


def _architecture(folder: Path) -> dict[str, bytes]:
    """Configuration and tokenizer; checkpoints that agree in these differ in weights only."""
    found: dict[str, bytes] = {}
    for pattern in ARCHITECTURE:
        for path in folder.glob(pattern):
            if path.is_file():
                found[path.name] = path.read_bytes()
    return found


@hookimpl
def suite_engines() -> list[type[Engine]]:
    """Register the engine."""
    return [HFEngine]
