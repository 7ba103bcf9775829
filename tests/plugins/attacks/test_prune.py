"""The smallest weights of each linear layer become 0, so many as were asked for."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from suite_plugins.attacks.prune import Prune, PruneConfig, remove_weights

from suite import Target
from tests.plugins.attacks.test_quantize import is_linear, made


def test_the_smallest_weights_are_gone(tiny_folder: Path, tmp_path: Path) -> None:
    before = load_file(tiny_folder / "model.safetensors")
    after = made(remove_weights, tiny_folder, tmp_path / "out", share=0.3)
    for name, weight in before.items():
        left = after[name] != 0
        if not is_linear(name):
            assert torch.equal(after[name], weight), name
            continue
        assert int((~left).sum()) == round(0.3 * weight.numel())
        assert torch.equal(after[name][left], weight[left])
        assert weight[~left].abs().max() <= weight[left].abs().min()


def test_a_phase_for_each_share(target: Target) -> None:
    phases = Prune(PruneConfig((0.1, 0.5))).phases(target)
    assert [(phase.name, phase.spec["share"]) for phase in phases] == [
        ("share=0.1", 0.1),
        ("share=0.5", 0.5),
    ]
