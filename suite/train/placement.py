"""A model in shards: several processes hold a part of each weight, of its gradient and of its
optimiser's state, and compute a part of each step (torch's FSDP2, `fully_shard`).

    placement = Shards("cuda")          in each process that torchrun started
    model = placement.prepare(load)     its parameters are DTensors from here on

A layer's weights are gathered while it computes, and dropped again. Embedding, last norm and
vocabulary projection are one group. It is gathered when the decoder is called, and stays whole
until the gradient has gone through: logits are computed only where they are needed, outside of the
model's own forward.

The parts of a step are dealt out where their number allows it. Otherwise (a loss that compares the
rows of a step) each process computes all of them, and the gradients are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor
from torch.nn.utils import clip_grad_norm_

from suite.api.placement import Placement
from suite.model.layout import plain_model
from suite.model.logprobs import decoder_of

T = TypeVar("T")
HEAD = "vocabulary_projection"


class Shards(Placement):
    """This process's part of a model; torch.distributed has been initialised."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self.rank, self.processes = dist.get_rank(), dist.get_world_size()
        self.is_main = self.rank == 0
        self.mesh = init_device_mesh(device.partition(":")[0], (self.processes,))
        self._groups: list[FSDPModule] = []
        self._alike = False
        """Whether every process computes all parts of the step."""

    def move(self, module: Any) -> Any:
        """A model is checked where it is read, before it is cut."""
        return module

    def prepare(self, load: Callable[[], Any]) -> Any:
        """Cut what `load` gives. One process after the other: the machine holds a single whole
        model at a time."""
        self._load = load
        for turn in range(self.processes):
            if turn == self.rank:
                model = self._cut(load())
            dist.barrier()
        self._gather_once(model)
        return model

    @torch.no_grad()
    def _gather_once(self, model: Any) -> None:
        """The buffers for whole weights are made by the first pass. Those of a pass in inference
        mode could never be used in training."""
        decoder_of(model)(input_ids=torch.zeros(1, 1, dtype=torch.long, device=self.device))
        self.settle()

    def _cut(self, model: Any) -> Any:
        decoder, head = decoder_of(model), plain_model(model).get_output_embeddings()
        for layer in _layers(decoder):
            self._shard(layer)
        # For a moment the projection is a part of the decoder, so that one group holds both: their
        # weights may be the same.
        decoder.add_module(HEAD, head)
        self._shard(decoder)
        del decoder._modules[HEAD]
        return model

    def _shard(self, module: nn.Module) -> None:
        group = fully_shard(module, mesh=self.mesh)
        # The sum over the processes, not their mean, by an operation that gloo has too.
        group.set_force_sum_reduction_for_comms(True)
        self._groups.append(group)

    def prepare_head(self, head: nn.Module) -> nn.Module:
        """Cut a head, which is a group of its own."""
        self._shard(head)
        return head

    def copied(self, model: nn.Module) -> Any:
        """The starting model, read again: modules in shards cannot be copied."""
        return self.prepare(self._load)

    def share(self, parts: Iterable[T]) -> Sequence[T]:
        """Every n-th part, where n divides their number; else all."""
        every = list(parts)
        self._alike = len(every) % self.processes > 0
        for group in self._groups:
            group.set_gradient_divide_factor(self.processes if self._alike else 1)
        return every if self._alike else every[self.rank :: self.processes]

    def total(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Shares are added; numbers of the whole step are the same in each process."""
        names = sorted(numbers)
        values = torch.tensor([numbers[name] for name in names], dtype=torch.float64)
        if not self._alike:
            dist.all_reduce(values)
        return dict(zip(names, values.tolist(), strict=True))

    def clip(self, parameters: Sequence[nn.Parameter], limit: float) -> float:
        """Scale all shards by the norm of all."""
        self.settle()
        norm = clip_grad_norm_(parameters, limit or math.inf)
        return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)

    def settle(self) -> None:
        """Drop what is gathered: before weights change, and before they are read."""
        for group in self._groups:
            group.reshard()

    def told(self, value: T) -> T:
        """Main's value, sent to all."""
        values = [value]
        dist.broadcast_object_list(values, device=torch.device("cpu"))
        return values[0]

    def held(self, tensor: Tensor) -> Tensor:
        """The shard. What is written into it is not counted: torch counts other tensors."""
        return tensor.to_local().data if isinstance(tensor, DTensor) else tensor

    def part(self, whole: Tensor) -> Tensor:
        """The shard of it."""
        return self.held(self._scattered(whole))

    def exchange(self, weight: Tensor, held: Tensor) -> Tensor:
        """Written in place, where FSDP gathers from."""
        shard = self.held(weight)
        before = shard.clone()
        shard.copy_(held)
        return before

    def whole(self, tensor: Tensor) -> Tensor:
        """The whole tensor, in every process."""
        return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor

    def gather(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One tensor after the other, into the main process's own memory."""
        found: dict[int, Tensor] = {}
        for tensor in tensors.values():
            if id(tensor) in found:  # tied weights stay tied
                continue
            whole = self.whole(tensor.detach())
            found[id(tensor)] = whole.cpu() if self.is_main else tensor
        return {name: found[id(tensor)] for name, tensor in tensors.items() if self.is_main}

    def scatter(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The shards of what every process has read. A number by itself has none."""
        return {name: self._scattered(tensor) for name, tensor in tensors.items()}

    def _scattered(self, tensor: Tensor) -> Tensor:
        if not tensor.ndim:
            return tensor
        placed = tensor.to(self.device)
        return distribute_tensor(placed, self.mesh, [Shard(0)], src_data_rank=None)

    def weights(self, model: nn.Module) -> dict[str, Tensor]:
        """The whole weights, in the main process."""
        self.settle()
        return self.gather(model.state_dict(keep_vars=True))

    @contextmanager
    def saving(self, heads: Mapping[str, nn.Module], folder: Path) -> Iterator[None]:
        """Heads give whole weights meanwhile. Every process calls the method, since its model needs
        them all; each has a folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        handles = []
        for head in heads.values():
            hook = partial(self._made_whole)  # torch marks it, and a method takes no marks
            handles.append(head.register_state_dict_post_hook(hook))  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _made_whole(self, module: nn.Module, weights: dict[str, Tensor], *_: Any) -> None:
        weights |= {name: self.whole(weight) for name, weight in weights.items()}


def placement_of(device: str) -> Placement:
    """Shards in a process that torchrun started for them, else the whole model on the device."""
    return Shards(device) if dist.is_initialized() else Placement(device)


def _layers(decoder: nn.Module) -> list[nn.Module]:
    """The layers of a decoder: its longest list of modules."""
    lists = [part for part in decoder.modules() if isinstance(part, nn.ModuleList)]
    return list(max(lists, key=len, default=[]))
