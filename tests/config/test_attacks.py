"""Settings of attacks: their layers, and that a run's own file and command give them again."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.config import rebuild_command, resolve, to_toml
from suite.config.attacks import attack_settings
from suite.registry import Registry

REGISTRY = Registry.load()


def settings(spec: str, *sets: str, model: str = "tiny", **flags: Any) -> Any:
    config = resolve(REGISTRY, None, {"attack": spec, "model": model, **flags}, sets, {})
    return attack_settings(config, REGISTRY, spec, "tofu", "forget10")


def test_defaults_protocol_section_and_what_stands_behind_the_name() -> None:
    assert settings("relearn", model="owner/model").lr == (7e-6, 2e-5, 5e-5)
    assert settings("relearn").lr == (4e-4, 8e-4)  # tofu's protocol for tiny
    assert settings("relearn").data == "disjoint"
    section = ("attack_relearn.lr=1e-4,2e-4", "attack_relearn.epochs=2")
    assert settings("relearn", *section).lr == (1e-4, 2e-4)
    own = settings("relearn:lr=3e-4", *section)
    assert (own.lr, own.epochs) == ((3e-4,), 2)


def test_a_run_writes_them_and_reads_them_again(tmp_path: Path) -> None:
    flags = {"attack": "relearn:epochs=3,sample:n=20,sample", "methods": "npo"}
    config = resolve(REGISTRY, None, flags, ["attack_sample.threshold=0.5"], {})
    written = tmp_path / "config.toml"
    written.write_text(to_toml(config, REGISTRY))
    content = tomllib.loads(written.read_text())
    assert content["attack"] == ["relearn:epochs=3", "sample:n=20", "sample"]
    assert content["attack_relearn"]["epochs"] == 4  # what stands behind the name stays there
    assert content["attack_sample"]["threshold"] == 0.5
    again = resolve(REGISTRY, written, {}, [], {})
    for spec in config.attack:
        assert attack_settings(again, REGISTRY, spec, "tofu", "forget10") == attack_settings(
            config, REGISTRY, spec, "tofu", "forget10"
        )
    command = rebuild_command(config, REGISTRY)
    assert "--attack relearn:epochs=3,sample:n=20,sample" in command
    assert "--set attack_sample.threshold=0.5" in command


@pytest.mark.parametrize(
    ("sets", "why"),
    [
        (
            ["attack_relern.lr=1"],
            "--set: unknown section 'attack_relern'; did you mean 'attack_relearn'",
        ),
        (
            ["attack_relearn.lrs=1"],
            "unknown setting 'attack_relearn.lrs'; did you mean 'attack_relearn.lr'",
        ),
        (["utility_loss=2"], "--set: utility_loss is '2', but should be less than or equal to 1"),
    ],
)
def test_mistakes_are_one_line(sets: list[str], why: str) -> None:
    with pytest.raises(UserError, match=why):
        resolve(REGISTRY, None, {"attack": "relearn"}, sets, {})
