"""`suite check`, and plugins in single files."""

from __future__ import annotations

import json
import textwrap
import tomllib
from pathlib import Path

import pytest

from suite.cli import main
from suite.store import closure, file_digest
from tests.thirdparty.distributions import method

CAPPED = """
from dataclasses import dataclass
from suite import LossOutput, Method, hookimpl

@dataclass(frozen=True)
class Settings:
    \"\"\"One setting.\"\"\"
    cap: float = 4.0
    \"\"\"Surprise per token, nats.\"\"\"

class Capped(Method[Settings]):
    \"\"\"Gradient ascent on the answers that are still likely.\"\"\"
    name = "capped"
    family = "unlearning"
    roles = frozenset({"forget"})
    Config = Settings

    def loss(self, policy, batch):
        forget = batch["forget"]
        return LossOutput(SIGN forget.mean(policy(forget).mean_logps.clamp(min=-self.config.cap)))

@hookimpl
def suite_methods():
    return [Capped]
"""


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "capped.py"
    path.write_text(CAPPED.replace("SIGN", ""))
    return path


def test_a_sound_file_passes(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "capped", "--plugin-file", str(sound), "--set", "capped.cap=3"]) == 0
    assert "method capped: 17 rules kept, 0 broken" in capsys.readouterr().out


def test_what_is_broken_is_told_in_the_authors_terms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "capped.py"
    path.write_text(CAPPED.replace("SIGN", "-"))
    assert main(["check", "capped", "--plugin-file", str(path)]) == 1
    shown = capsys.readouterr().out
    assert "direction: after 8 steps forget answers are more likely than before" in shown
    assert "expected: less likely answers: is a sign wrong, of beta or of the loss?" in shown
    assert "read: docs/conformance.md#direction" in shown
    assert main(["check", "capped", "--plugin-file", str(path), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["subject"] == "method capped"
    assert [each["rule"] for each in found["rules"] if each["state"] == "broken"] == ["direction"]


def test_a_name_may_be_several_things(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "openai", "--kind", "judge", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["subject"] == "judge openai"
    assert main(["check", "openai", "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert [each["subject"] for each in both] == ["engine openai", "judge openai"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["check", "npo2"],
            "unknown method, benchmark, engine or judge 'npo2'; did you mean 'npo'?",
        ),
        (
            ["check", "npo", "--set", "npo.betta=1"],
            "unknown setting 'npo.betta'; did you mean 'npo.beta'",
        ),
        (["list", "--plugin-file", "nosuch.py"], "--plugin-file nosuch.py: no such file"),
        (
            ["list", "--plugin-file", "README.md"],
            "its name must be a-z, then a-z, 0-9 or _, then .py",
        ),
        (["plan", "--plugin-file", "wreck.py"], "--plugin-file wreck.py is broken: ValueError: no"),
        (
            ["plan", "--plugin-file", "npo.py"],
            "--plugin-file npo.py: there is a plugin 'npo' (suite-compare 0.1.0) already",
        ),
        (
            ["plan", "--plugin-file", "other.py"],
            "--plugin-file other.py is refused: the method name 'npo' is built in",
        ),
        (
            ["plan", "--plugin-file", "a/x.py", "--plugin-file", "b/x.py"],
            "a/x.py and b/x.py have one name",
        ),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wreck.py").write_text("raise ValueError('no')")
    for name in ("npo", "other"):
        (tmp_path / f"{name}.py").write_text(dedented(method("npo")))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.py").write_text(dedented(method("x")))
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def dedented(source: str) -> str:
    return textwrap.dedent(source)


def test_a_file_is_listed_planned_and_named_with_its_hash(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text('plugin_file = ["capped.py"]\nmethods = ["capped"]\n')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # the path is relative to the file that names it
    assert main(["config", "show", "--config", "../run.toml"]) == 0
    (shown,) = tomllib.loads(capsys.readouterr().out)["plugin_file"]
    assert (Path(shown).is_absolute(), Path(shown).resolve()) == (True, sound.resolve())
    assert main(["list", "--plugin-file", str(sound), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["methods"]
    (row,) = (each for each in rows if each["name"] == "capped")
    assert row["from"] == f"capped.py sha256:{file_digest(sound)[:12]}"
    monkeypatch.setenv("SUITE_PLUGIN_FILE", str(sound))
    assert main(["plan", "--methods", "capped", "--json"]) == 0
    before = keys(capsys)
    sound.write_text(sound.read_text().replace("mean_logps.clamp", "logps.clamp"))
    closure.forget()  # read once per process
    assert main(["plan", "--methods", "capped", "--json"]) == 0
    changed = before.keys() - keys(capsys).keys()
    assert {before[key] for key in changed} == {"train", "respond", "score"}


def keys(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Key -> kind of every stage that was planned."""
    stages = json.loads(capsys.readouterr().out)["stages"]
    return {stage["key"]: stage["kind"] for stage in stages}


def test_results_name_the_file_and_its_hash(
    sound: Path, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = Path(__file__).parent.parent / "thirdparty/good/acme_forgetting/benchmark.py"
    monkeypatch.setenv("SUITE_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    flags = ["--methods", "capped", "--bench", "capitals", "--model", str(tiny_folder)]
    files = ["--plugin-file", str(sound), "--plugin-file", str(benchmark)]
    few = ["--set", "train.epochs=1", "--set", "finetune.epochs=1"]
    assert main(["run", *flags, *files, *few, "--out", str(tmp_path / "out")]) == 0
    run = json.loads((tmp_path / "out" / "results.json").read_text())["run"]
    assert run["plugins"]["capped.py"] == f"sha256:{file_digest(sound)[:12]}"
    assert run["config"]["plugin_file"] == ["capped.py", "benchmark.py"]
    assert str(sound.parent) not in json.dumps(run)
    assert "--plugin-file capped.py --plugin-file benchmark.py" in run["command"]
    assert "capped.py sha256:" in (tmp_path / "out" / "leaderboard.md").read_text()
