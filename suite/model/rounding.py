"""bf16 rounding of weights: what it hides of an update, what it exaggerates, and how to avoid both.

A forward pass in bf16 sees the fp32 weights w rounded to 8 significant bits. Of a small update:

    w is a bf16 number   rounding to nearest hides it until it reaches half a unit    gain 0
    w lies on a tie      the smallest update moves the rounded weight a whole unit    gain 17 (1e-6)
    stochastic rounding  up or down by chance, so that the mean is w                  gain 1

(The 17 is SmolLM2's from its 4-bit GGUF file, 8 % of whose weights are ties.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

LOW_BITS = 16
"""Bits of an fp32 number that bf16 does not keep."""
EMBEDDING = "embed_tokens.weight"
HEAD = "lm_head.weight"


def to_nearest(weight: Tensor) -> Tensor:
    """fp32 weights as the nearest bf16 numbers, in fp32; ties to even, as a cast does."""
    return weight.to(torch.bfloat16).to(torch.float32)


def stochastically(weight: Tensor, generator: torch.Generator) -> Tensor:
    """fp32 weights as one of the two bf16 numbers around them, in fp32; the mean is the weight.

    Numbers that bf16 has stay what they are. `generator` must be on the weight's device.
    """
    return up_or_down(weight, chance_for(weight, generator))


def chance_for(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Random numbers that say whether a weight is rounded up or down, of the weight's shape."""
    return torch.randint(
        1 << LOW_BITS, weight.shape, generator=generator, device=weight.device, dtype=torch.int32
    )


def up_or_down(weight: Tensor, noise: Tensor) -> Tensor:
    """Round by what `chance_for` gave, which is used up."""
    # Sign and magnitude: adding to the low bits carries into the kept ones with the right chance.
    noise += weight.view(torch.int32)
    noise &= -(1 << LOW_BITS)
    return noise.view(torch.float32)


def gain(weights: Iterable[tuple[Tensor, Tensor]]) -> float | None:
    """How much of an update of fp32 weights the nearest bf16 numbers show: 1 is all of it.

        <bf16(w1) - bf16(w0), w1 - w0> / |w1 - w0|^2

    weights: (w0, w1) of each tensor. None if nothing changed.
    """
    shown = whole = 0.0
    for before, after in weights:
        change = after.double() - before.double()
        seen = to_nearest(after).double() - to_nearest(before).double()
        shown += float((seen * change).sum())
        whole += float((change * change).sum())
    return shown / whole if whole else None


def gain_between(start: Path, end: Path) -> float | None:
    """The gain between two model folders, over the weights of their linear layers."""
    return gain(_cast_weights(_tensors(start), _tensors(end)))


def _cast_weights(
    before: dict[str, Tensor], after: dict[str, Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    for name in sorted(before.keys() & after.keys()):
        # An embedding that no projection shares is looked up, not multiplied: it is never cast.
        looked_up = name.endswith(EMBEDDING) and HEAD in after
        if not looked_up and before[name].ndim == 2:
            yield before[name].float(), after[name].float()


def _tensors(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    found: dict[str, Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        found |= load_file(file)
    return found


def holds(model: nn.Module) -> bool:
    """Whether bf16 holds every weight of a model exactly."""
    return all(torch.equal(to_nearest(weight), weight) for weight in model.parameters())


@torch.no_grad()
def drop_ties(model: nn.Module) -> None:
    """Round the matrices of a model to bf16 numbers once, so that none lies on a tie.

    For weights that were dequantised: their last bits are no information.
    """
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.copy_(to_nearest(parameter))
