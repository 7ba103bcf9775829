"""A copy of a model with other weights in its linear layers, all but the output.

Not a plugin of its own: it registers no attack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from suite import Build

if TYPE_CHECKING:
    from torch import Tensor


def write_changed(build: Build, change: Callable[[Tensor], None]) -> None:
    """Write the model of the input `model`; `change` is given each weight, (out, in), to change it
    in place."""
    import torch

    from suite.toolkit import folder_of, head_of, load_model, load_tokenizer, save_model

    folder = folder_of(build.inputs["model"], build.spec["epoch"])
    model = load_model(folder)
    head = head_of(model).weight
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Linear) and module.weight is not head:
                change(module.weight)
    save_model(model, load_tokenizer(folder), build.out)
