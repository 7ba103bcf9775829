"""A model in shards trains as a model in one process does, up to rounding.

The default tests run the same code as a single shard; the slow ones as two processes (gloo).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import nn
from torch.distributed.tensor import DTensor

from suite.api.placement import Placement
from suite.model import folder as models
from suite.stages.handles import epochs_in
from suite.train.placement import Shards
from tests.train.shards import CASES, in_shards, trained


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Shards]:
    """A single shard, in this process."""
    meeting = f"file://{tmp_path / 'meeting'}"
    dist.init_process_group("gloo", init_method=meeting, rank=0, world_size=1)
    yield Shards("cpu")
    dist.destroy_process_group()


@pytest.mark.parametrize("name", ["npo_rt", "rmu", "ppo"])
def test_a_single_shard_trains_as_one_process_does(
    name: str, tiny_folder: Path, tmp_path: Path, alone: Shards
) -> None:
    trained(CASES[name], tiny_folder, tmp_path / "one", Placement())
    trained(CASES[name], tiny_folder, tmp_path / "shard", alone)
    compare(tmp_path / "one", tmp_path / "shard")


def test_weights_are_cut_gathered_and_written(
    tiny_folder: Path, tmp_path: Path, alone: Shards
) -> None:
    model = alone.prepare(lambda: models.load_model(tiny_folder))
    assert all(isinstance(weight, DTensor) for weight in model.parameters())
    whole = alone.weights(model)
    for name, weight in models.load_model(tiny_folder).state_dict().items():
        torch.testing.assert_close(whole[name], weight, rtol=0, atol=0)
    models.save_model(model, models.load_tokenizer(tiny_folder), tmp_path, whole)
    for name in ("model.safetensors", "config.json", "generation_config.json"):
        assert (tmp_path / name).read_bytes() == (tiny_folder / name).read_bytes()


def test_what_is_scattered_is_gathered_again(alone: Shards) -> None:
    given = {"step": torch.tensor(3.0), "moments": torch.arange(6.0).view(3, 2)}
    scattered = alone.scatter(given)
    assert isinstance(scattered["moments"], DTensor)
    for name, tensor in alone.gather(scattered).items():
        torch.testing.assert_close(tensor, given[name], rtol=0, atol=0)


def test_exchanged_weights_are_what_a_pass_reads(alone: Shards) -> None:
    head = alone.prepare_head(nn.Linear(2, 1))
    before = alone.exchange(head.weight, torch.zeros(1, 2))
    alone.settle()
    assert torch.equal(head(torch.ones(1, 2)), head(torch.zeros(1, 2)))
    alone.settle()
    alone.exchange(head.weight, before)
    torch.testing.assert_close(head.weight.full_tensor(), before)  # type: ignore[operator]


def compare(expected: Path, found: Path) -> None:
    """Assert that two trainings left the same log, gradients (in AdamW's moments) and weights."""
    logs = [(folder / "out/log.jsonl").read_text().splitlines() for folder in (expected, found)]
    for own, other in zip(*logs, strict=True):
        assert json.loads(other) == pytest.approx(json.loads(own), rel=1e-5, abs=1e-5)
    steps = sorted(path.name for path in (expected / "scratch").glob("step-*"))
    for file in ("optimizer.safetensors", "model.safetensors"):
        one, two = (load_file(folder / "scratch" / steps[0] / file) for folder in (expected, found))
        assert one.keys() == two.keys()
        for name in one:
            torch.testing.assert_close(two[name], one[name], rtol=1e-5, atol=1e-5)
    for epoch, folder in epochs_in(expected / "out").items():
        other = epochs_in(found / "out")[epoch]
        assert {p.name for p in folder.rglob("*")} == {p.name for p in other.rglob("*")}
        assert (folder / "config.json").read_text() == (other / "config.json").read_text()


def written(folder: Path) -> bytes:
    """The weights of the last epoch."""
    return (epochs_in(folder / "out")[2] / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_two_shards_train_as_one_process_does(tiny_folder: Path, tmp_path: Path) -> None:
    cases = [name for name, case in CASES.items() if not case.stops]
    in_shards(2, tiny_folder, tmp_path / "two", cases)
    for name in cases:
        trained(CASES[name], tiny_folder, tmp_path / "one" / name, Placement())
        compare(tmp_path / "one" / name, tmp_path / "two" / name)


@pytest.mark.slow
@pytest.mark.weekly
def test_a_step_of_smollm2_is_that_of_one_process(smollm2: Path, tmp_path: Path) -> None:
    in_shards(2, smollm2, tmp_path / "two", ["one_step"])
    trained(CASES["one_step"], smollm2, tmp_path / "one" / "one_step", Placement())
    logs = [tmp_path / by / "one_step/scratch/log.jsonl" for by in ("one", "two")]
    (own,), (other,) = ([json.loads(line) for line in log.read_text().splitlines()] for log in logs)
    # The float32 norm of 135M numbers, added up in another order: 1.1e-5 apart.
    assert other.pop("grad_norm") == pytest.approx(own.pop("grad_norm"), rel=5e-5)
    assert other == pytest.approx(own, rel=1e-5, abs=1e-5)


@pytest.mark.slow
def test_a_stopped_training_goes_on_with_any_number_of_shards(
    tiny_folder: Path, tmp_path: Path
) -> None:
    def continued(by: int, name: str, folder: str) -> Path:
        """What a number of shards make of a case, from where the folder's last training ended."""
        place = tmp_path / folder
        shutil.rmtree(place / name / "reference-forget", ignore_errors=True)
        if by > 1:
            in_shards(by, tiny_folder, place, [name])
        else:
            trained(CASES[name], tiny_folder, place / name, Placement())
        return place / name

    def moved(stopped: Path, folder: str) -> None:
        shutil.copytree(stopped, tmp_path / folder / "npo_rt")

    whole = {by: continued(by, "npo_rt", f"whole-{by}") for by in (1, 2)}
    stopped = {by: continued(by, "stopped", f"stopped-{by}") for by in (1, 2)}
    for before, after in ((1, 2), (2, 1), (2, 2)):
        moved(stopped[before], f"{before}-{after}")
        found = continued(after, "npo_rt", f"{before}-{after}")
        compare(whole[1], found)
        if before == after:
            bytes_of = [
                epochs_in(place / "out")[2] / "model.safetensors" for place in (whole[2], found)
            ]
            assert bytes_of[0].read_bytes() == bytes_of[1].read_bytes()
