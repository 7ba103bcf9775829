"""The training loop: exact gradients however a step is cut, exact resumption, and the checks it
makes."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM

from suite import LossOutput, Message, Method, Row, UserError, losses
from suite.core.errors import DivergedError
from suite.model import folder as models
from suite.model.encoding import Encoder
from suite.model.hardware import autocast
from suite.model.logprobs import LMPolicy
from suite.model.reference import References, compute, save
from suite.settings import TrainConfig
from suite.stages.handles import epochs_in
from suite.train.encoded import encode_rows
from suite.train.job import TrainJob
from suite.train.loop import train
from suite.train.prepare import lr_schedule
from suite.train.sampling import Sampler, micro_batches

CONFIG = TrainConfig(epochs=2, lr=1e-3, batch_size=4, warmup_epochs=0.0)
WORDS = "May book Karvik prize red river old night She wrote in the of".split()


def rows(name: str, count: int) -> list[Row]:
    def words(start: int, n: int) -> str:
        return " ".join(WORDS[(start + 3 * i) % len(WORDS)] for i in range(n))

    return [
        Row(f"{name}/{i}", (Message("user", words(i, 2 + i % 5)),), words(i + 1, 3 + (i * 7) % 11))
        for i in range(count)
    ]


class NPOWithRetain(Method[None]):
    """NPO with cross-entropy on retain, written out here so that the built-in is not its own
    judge."""

    name, family, roles, needs_reference = (
        "npo_test",
        "unlearning",
        frozenset({"forget", "retain"}),
        True,
    )
    Config = type(None)

    def loss(self, policy: Any, batch: Mapping[str, Any]) -> LossOutput:
        forget, retain = batch["forget"], batch["retain"]
        npo = losses.npo(policy(forget).logps, forget.reference_logps, beta=0.1)
        return LossOutput(
            forget.mean(npo) + retain.token_mean(-policy(retain).token_logps),
            {"npo": forget.mean(npo)},
        )


@pytest.fixture(scope="module")
def data(
    tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], References]:
    encoder = Encoder(models.load_tokenizer(tiny_folder))
    roles = {
        name: encode_rows(rows(name, count), encoder)
        for name, count in (("forget", 9), ("retain", 13))
    }
    folder = tmp_path_factory.mktemp("reference")
    model = models.load_model(tiny_folder)
    save(
        compute(model, roles["forget"], autocast("float32", "cpu"), hidden=False, pad_id=0), folder
    )
    references = References()
    references.add("forget", folder, roles["forget"])
    return roles, references


def job(
    tiny_folder: Path, data: tuple[dict[str, Any], References], tmp_path: Path, **changes: Any
) -> TrainJob:
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    out.mkdir(parents=True, exist_ok=True)
    scratch.mkdir(exist_ok=True)
    return replace(
        TrainJob(NPOWithRetain(None), CONFIG, 0, tiny_folder, data[0], data[1], out, scratch),
        **changes,
    )


def weights(folder: Path, epoch: int) -> bytes:
    return (epochs_in(folder)[epoch] / "model.safetensors").read_bytes()


def gradients(
    tiny_folder: Path, data: tuple[dict[str, Any], References], limit: int
) -> list[torch.Tensor]:
    model = models.load_model(tiny_folder)
    sampler = Sampler(data[0], 8, seed=3)
    for batch in micro_batches(sampler.step(0), limit, 0, data[1]):
        NPOWithRetain(None).loss(LMPolicy(model), batch).loss.backward()
    return [p.grad for p in model.parameters()]


@pytest.mark.parametrize("limit", [1, 3])
def test_micro_batches_do_not_change_the_gradient(tiny_folder: Path, data: Any, limit: int) -> None:
    whole = gradients(tiny_folder, data, 0)
    for expected, found in zip(whole, gradients(tiny_folder, data, limit), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_first_loss_is_the_closed_form_and_runs_repeat_bit_for_bit(
    tiny_folder: Path, data: Any, tmp_path: Path
) -> None:
    seen: list[Mapping[str, float]] = []
    train(
        job(tiny_folder, data, tmp_path / "a", on_step=lambda step, metrics: seen.append(metrics))
    )
    assert seen[0]["npo"] == pytest.approx((2 / 0.1) * math.log(2), rel=1e-5)
    assert len(seen) == 2 * 3
    train(job(tiny_folder, data, tmp_path / "b"))
    assert weights(tmp_path / "a/out", 2) == weights(tmp_path / "b/out", 2)
    assert weights(tmp_path / "a/out", 1) != weights(tmp_path / "a/out", 2)


def test_a_run_stopped_after_any_step_ends_in_the_same_bytes(
    tiny_folder: Path, data: Any, tmp_path: Path
) -> None:
    class Stop(Exception):
        pass

    def stop_at(number: int) -> Any:
        def on_step(step: int, metrics: Mapping[str, float]) -> None:
            if step == number:
                raise Stop

        return on_step

    train(job(tiny_folder, data, tmp_path / "whole"))
    cut = job(tiny_folder, data, tmp_path / "cut", checkpoint_seconds=0.0)
    for number in (2, 4, 6):
        with pytest.raises(Stop):
            train(replace(cut, on_step=stop_at(number)))
    train(cut)
    assert weights(tmp_path / "whole/out", 1) == weights(tmp_path / "cut/out", 1)
    assert weights(tmp_path / "whole/out", 2) == weights(tmp_path / "cut/out", 2)
    assert (tmp_path / "whole/out/log.jsonl").read_text() == (
        tmp_path / "cut/out/log.jsonl"
    ).read_text()


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    tiny_folder: Path, data: Any, tmp_path: Path
) -> None:
    from suite.train import checkpoints

    def fail(step: int, metrics: Mapping[str, float]) -> None:
        if step == 4:
            raise RuntimeError

    train(job(tiny_folder, data, tmp_path / "whole"))
    cut = job(tiny_folder, data, tmp_path / "cut", checkpoint_seconds=0.0)
    with pytest.raises(RuntimeError):
        train(replace(cut, on_step=fail))
    newest = max((tmp_path / "cut/scratch").glob("step-*"))
    file = newest / "model.safetensors"
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(bytes(damaged))
    assert not checkpoints._whole(newest)
    train(cut)
    assert weights(tmp_path / "whole/out", 2) == weights(tmp_path / "cut/out", 2)


def test_stale_references_are_caught_before_the_first_step(
    tiny_folder: Path, data: Any, tmp_path: Path
) -> None:
    stale = References()
    stale._logps = {
        "forget": {key: values - 0.01 for key, values in data[1]._logps["forget"].items()}
    }
    with pytest.raises(RuntimeError, match="policy and reference differ on 'forget' by 0.01"):
        train(job(tiny_folder, data, tmp_path, references=stale))


class Broken(NPOWithRetain):
    """Returns what a plugin's author may return by mistake."""

    def __init__(self, kind: str) -> None:
        super().__init__(None)
        self.kind = kind

    def loss(self, policy: Any, batch: Mapping[str, Any]) -> LossOutput:
        loss = super().loss(policy, batch).loss
        changed = {"shape": loss[None], "detached": loss.detach(), "nan": loss * math.nan}
        return LossOutput(changed[self.kind])


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("shape", UserError, r"its loss has shape \(1,\), not \(\)"),
        ("detached", UserError, "its loss has no gradient"),
        ("nan", DivergedError, "step 0: loss nan"),
    ],
)
def test_bad_losses_stop_the_run(
    tiny_folder: Path, data: Any, tmp_path: Path, kind: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train(job(tiny_folder, data, tmp_path, method=Broken(kind)))


def test_lora_trains_adapters_only_and_leaves_ordinary_model_folders(
    tiny_folder: Path, data: Any, tmp_path: Path
) -> None:
    config = replace(CONFIG, lora_rank=4, epochs=1)
    train(job(tiny_folder, data, tmp_path, config=config))
    folder = epochs_in(tmp_path / "out")[1]
    before, after = (
        models.load_model(tiny_folder).state_dict(),
        models.load_model(folder).state_dict(),
    )
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all("_proj" in name for name in changed)
    from peft import PeftModel

    adapted = PeftModel.from_pretrained(
        models.load_model(tiny_folder), folder / "adapter"
    ).merge_and_unload()
    for name, tensor in adapted.state_dict().items():
        torch.testing.assert_close(tensor, after[name], rtol=1e-5, atol=1e-6)


def test_an_epoch_sees_every_forget_row_once_and_retain_rows_afresh() -> None:
    class Item(tuple):
        pass

    sampler = Sampler({"forget": list(range(10)), "retain": list(range(7))}, 4, seed=1)  # type: ignore[arg-type,dict-item]
    steps: Sequence[Any] = [sampler.step(i) for i in range(2 * sampler.steps_per_epoch)]
    assert sorted(i for s in steps[:3] for i in s["forget"]) == list(range(10))
    assert [s["forget"] for s in steps[:3]] != [s["forget"] for s in steps[3:]]
    assert [len(s["retain"]) for s in steps[:3]] == [4, 4, 2]
    assert sampler.step(4) == steps[4]
    assert steps[0]["retain"] != steps[1]["retain"]


def test_schedule_warms_up_then_decays_to_zero() -> None:
    factor = lr_schedule(TrainConfig(epochs=5, warmup_epochs=1.0), steps_per_epoch=4)
    assert [factor(i) for i in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert factor(4) == 1.0
    assert factor(12) == 0.5
    assert factor(19) == pytest.approx(1 / 16)
    assert lr_schedule(TrainConfig(schedule="constant", warmup_steps=2), 4)(30) == 1.0


@pytest.mark.parametrize(
    ("rounding", "kept"),
    [("stochastic", "float32"), ("nearest", "float32"), ("stochastic", "bfloat16")],
)
def test_bf16_logs_its_gain_and_repeats_bit_for_bit_after_a_stop(
    tiny_folder: Path, data: Any, tmp_path: Path, rounding: Any, kept: Any
) -> None:
    config = replace(CONFIG, lr=1e-6, rounding=rounding, weights=kept)
    changes = {"config": config, "dtype": "bfloat16", "checkpoint_seconds": 0.0}
    whole = job(tiny_folder, data, tmp_path / "whole", **changes)
    train(whole)
    logged = [json.loads(line) for line in (whole.out / "log.jsonl").read_text().splitlines()]
    gains = [line["bf16_gain"] for line in logged if "bf16_gain" in line]
    assert len(gains) == CONFIG.epochs
    stopped = job(tiny_folder, data, tmp_path / "stopped", **changes)

    def stop(step: int, metrics: Mapping[str, float]) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(replace(stopped, on_step=stop))
    train(stopped)
    assert weights(stopped.out, 2) == weights(whole.out, 2)


@pytest.mark.parametrize(
    ("stored", "measured", "written"),
    [
        ("bfloat16", "bfloat16", "BF16"),
        ("bfloat16", "float32", "F32"),  # rounding could hide what was trained
        ("float32", "bfloat16", "F32"),
    ],
)
def test_weights_are_written_in_the_models_own_precision(
    tiny_folder: Path, data: Any, tmp_path: Path, stored: str, measured: str, written: str
) -> None:
    start = tmp_path / "start"
    shutil.copytree(tiny_folder, start)
    if stored == "bfloat16":
        models.to_bfloat16(start)
    done = job(
        start, data, tmp_path, dtype=measured, epochs=frozenset({2}), references=References()
    )
    done.method = RetainOnly(None)
    train(done)
    folder = epochs_in(tmp_path / "out")[2]
    with safe_open(folder / "model.safetensors", framework="pt") as opened:
        assert {opened.get_slice(name).get_dtype() for name in opened.keys()} == {written}  # noqa: SIM118
    size, whole = ((f / "model.safetensors").stat().st_size for f in (folder, tiny_folder))
    assert size / whole == pytest.approx(0.5 if written == "BF16" else 1.0, rel=0.02)
    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    assert str(loaded.dtype) == ("torch.bfloat16" if written == "BF16" else "torch.float32")
    first, last = models.load_model(start), models.load_model(folder)
    changed = [
        not torch.equal(a, b) for a, b in zip(first.parameters(), last.parameters(), strict=True)
    ]
    assert any(changed)


class RetainOnly(Method[None]):
    """Cross-entropy on retain."""

    name, family, roles, Config = "retain_test", "unlearning", frozenset({"retain"}), type(None)

    def loss(self, policy: Any, batch: Mapping[str, Any]) -> LossOutput:
        retain = batch["retain"]
        return LossOutput(retain.token_mean(-policy(retain).token_logps))
