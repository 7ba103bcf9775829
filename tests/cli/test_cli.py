"""The command line: what it says, what it exits with, and that it is quick."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import warnings
from importlib.metadata import version
from pathlib import Path

import click
import pytest
import tomli_w

from suite import cli
from suite.cli import main
from suite.config.fields import settings_of
from suite.core import interrupt
from suite.core.errors import CorruptError, SettingWarning, UserError
from suite.settings import RunConfig

COMMANDS = (
    "run",
    "plan",
    "score",
    "report",
    "export",
    "push",
    "verify",
    "list",
    "plugins",
    "config",
    "doctor",
)
IMPORTED = (
    "import sys; from suite.cli import main; status = main(sys.argv[1:]); "
    "print(*sys.modules, file=sys.stderr)"
)


def suite(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own; its last line on stderr lists what it
    imported."""
    command = [sys.executable, "-c", IMPORTED, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ})


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["list"], ["plugins"], ["config", "schema"]]
)
def test_help_and_lists_import_nothing_heavy(arguments: list[str]) -> None:
    modules = set(suite(*arguments).stderr.splitlines()[-1].split())
    assert "suite.cli.group" in modules
    assert (
        not {"torch", "transformers", "datasets", "pandas", "scipy", "matplotlib", "sklearn"}
        & modules
    )


def test_help_takes_less_than_half_a_second() -> None:
    """Processor seconds, so that a busy machine does not matter."""
    assert min(_cpu_seconds([sys.executable, "-m", "suite.cli", "--help"]) for _ in range(5)) < 0.5


def _cpu_seconds(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, capture_output=True, check=True)
    after = os.times()
    return (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )


def _command(name: str) -> click.Command:
    found = cli.cli.get_command(click.Context(cli.cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", cli.BUILT_IN)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    """The list is kept apart, so that the help need not import all commands."""
    command = _command(name)
    assert command.name == name
    assert command.get_short_help_str(limit=100) == cli.BUILT_IN[name][1]


def test_help_names_every_command_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in COMMANDS)
    assert "suite run --methods ga,npo --bench tofu" in out
    assert "..." not in out.split("Commands:")[1], "a command's summary is cut off"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("config", "doctor")])
def test_every_command_teaches_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    assert f"    suite {name}" in capsys.readouterr().out


def test_every_setting_of_a_run_is_a_flag_with_its_docstring(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for name, setting in settings_of(RunConfig).items():
        if name in ("train", "finetune", "sections"):
            assert f" --{name} " not in out
        else:
            assert f"--{name.replace('_', '-')} " in out
            assert setting.doc in out


@pytest.mark.parametrize(
    ("words", "found"),
    [("suite st", ["stage", "store"]), ("suite run --pret", ["--pretraining"])],
)
def test_commands_and_flags_complete_by_tab(words: str, found: list[str]) -> None:
    place = str(len(words.split()) - 1)
    environ = {"COMP_WORDS": words, "COMP_CWORD": place, "_SUITE_COMPLETE": "bash_complete"}
    command = [sys.executable, "-c", "from suite.cli import main; main([])"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ})
    assert done.stdout.split() == [f"plain,{name}" for name in found]


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Usage: suite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["run", "--metods", "x"], "No such option '--metods'."),
        (["run", "--methods", "npo2"], "unknown method 'npo2'; did you mean 'npo'?"),
        (["plan", "--seeds", "x"], "--seeds: seeds is 'x', but should be a valid integer"),
        (
            ["run", "--set", "npo.bta=1"],
            "--set: unknown setting 'npo.bta'; did you mean 'npo.beta'?",
        ),
        (["run", "--block", "npoo"], "unknown plugin to block 'npoo'; did you mean 'npo'?"),
        (["run", "--block", "npo"], "method 'npo' is not available: plugin 'npo' (suite-compare"),
        (
            ["run", "--config", "nowhere.toml"],
            "nowhere.toml: cannot be read: No such file or directory",
        ),
        (
            ["run", "--log", "tensorbord"],
            "unknown logger 'tensorbord'; did you mean 'tensorboard'?",
        ),
        (
            ["list", "npoo"],
            "unknown method, benchmark, engine, judge or attack 'npoo'; did you mean 'npo'?",
        ),
        (["list", "npo", "--block", "npo"], "plugin 'npo' (suite-compare"),
        (
            ["list", "lenght"],
            "unknown method, benchmark, engine, judge or attack 'lenght'; did you mean 'l",
        ),
        (["run", "--methods", "GA"], "unknown method 'GA'; did you mean 'ga'?"),
        (["run", "--engine", "HF"], "unknown engine 'HF'; did you mean 'hf'?"),
        (["run", "--methods", "none"], "unknown method 'none'; known: alt_po, "),
        (["run", "--bench", "mine"], "unknown benchmark 'mine'; known: bandit, "),
        (["run", "--set", "lr=1"], "--set: unknown setting 'lr'; did you mean 'train.lr'?"),
        (["run", "--set", "runs=1"], "--set: unknown setting 'runs'; did you mean 'bandit.runs'?"),
        (["run", "--set", "beta=1"], "--set: unknown setting 'beta'; 2"),
        (["run", "--set", "bandit.zzz=1"], "--set: unknown setting 'bandit.zzz'; known: bandit."),
        (["run", "--set", "NPO.beta=1"], "--set: unknown section 'NPO'; did you mean 'npo'?"),
        (["score"], "Missing argument 'RUN'."),
        (["report", "a", "b"], "--out: name a folder for the joined leaderboard"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"suite: error: {said}")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_missing_run_is_status_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("report", "score"):
        assert main([command, str(tmp_path)]) == 4
        assert str(tmp_path / "results.json") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (UserError("two\nlines"), 2),
        (CorruptError("x"), 3),
        (KeyboardInterrupt(), 130),
        (interrupt.Interrupted(15), 143),
        (click.Abort(), 130),
    ],
)
def test_exit_statuses(
    raised: BaseException,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(_command("plugins"), "callback", _raiser(raised))
    assert main(["plugins"]) == status
    assert capsys.readouterr().err.strip().count("\n") == 0


def test_a_bug_is_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_command("plugins"), "callback", _raiser(ZeroDivisionError("bug")))
    with pytest.raises(ZeroDivisionError):
        main(["plugins"])


def _raiser(error: BaseException):  # type: ignore[no-untyped-def]
    def callback(**_: object) -> None:
        raise error

    return callback


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    npo = next(row for row in listed["methods"] if row["name"] == "npo")
    assert (npo["family"], npo["roles"]) == ("unlearning", ["forget"])
    tofu = next(row for row in listed["benchmarks"] if row["name"] == "tofu")
    assert "forget10" in tofu["splits"]
    assert tofu["metrics"][0] == "forget_quality"


def test_list_of_one_shows_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "npo", "--json"]) == 0
    (beta,) = json.loads(capsys.readouterr().out)["settings"]
    assert (beta["setting"], beta["default"]) == ("npo.beta", "0.1")
    assert "temperature" in beta["meaning"]


def test_a_judge_is_found_by_the_name_that_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    for kind in ("methods", "benchmarks", "engines", "judges"):
        for row in listed[kind]:
            assert main(["list", row["name"], "--json"]) == 0
            json.loads(capsys.readouterr().out)
    assert main(["list", "local", "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings[0]["setting"] == "judge_local.model"
    assert main(["list", "openai", "--json"]) == 0
    named = {row["setting"] for row in json.loads(capsys.readouterr().out)["settings"]}
    assert {"openai.model", "judge_openai.model"} <= named


def test_plugins_as_json_and_blocked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--block", "npo", "--json"]) == 0
    status = {row["name"]: row["status"] for row in json.loads(capsys.readouterr().out)}
    assert (status["npo"], status["ga"]) == ("blocked", "ok")


def test_config_show_can_be_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["config", "show", "--methods", "npo", "--seeds", "0,1", "--set", "npo.beta=0.05"])
        == 0
    )
    text = capsys.readouterr().out
    content = tomllib.loads(text)
    assert (content["methods"], content["seeds"], content["npo"]["beta"]) == (["npo"], [0, 1], 0.05)
    file = tmp_path / "run.toml"
    file.write_text(text)
    assert main(["config", "show", "--config", str(file)]) == 0
    assert capsys.readouterr().out == text


def test_a_shown_configuration_steers_no_terminal_and_means_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = "{prompt}\x1b[31m\x7f\x9b\u202e\U000e0041é"
    file = tmp_path / "run.toml"
    file.write_text(tomli_w.dumps({"template": bad}))
    assert main(["config", "show", "--config", str(file)]) == 0
    text = capsys.readouterr().out
    assert not set(text) & set("\x1b\x7f\x9b\u202e\U000e0041")
    assert tomllib.loads(text)["template"] == bad


def test_a_warning_is_one_line_that_steers_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warned(*_: object, **__: object) -> int:
        warnings.warn("a setting\x1b[31m\u202e", SettingWarning, stacklevel=1)
        warnings.warn("of a plugin\x1b[31m\u202e", UserWarning, stacklevel=1)
        return 0

    others: list[str] = []
    monkeypatch.setattr(cli, "_python_warning", lambda message, *_: others.append(str(message)))
    monkeypatch.setattr(cli.cli, "main", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main([]) == 0
    said = capsys.readouterr().err
    assert said == "suite: warning: a setting␛[31m\\u202e\n"
    assert others == ["of a plugin␛[31m\\u202e"]


def test_config_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"]["npo"]["properties"]["beta"]["type"] == "number"


def test_verify_says_where_the_store_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: ok\n"
    stage = tmp_path / "stages" / "train" / "not-a-key"
    stage.mkdir(parents=True)
    assert main(["verify", "--store", str(tmp_path)]) == 3
    assert str(stage) in capsys.readouterr().out


def test_doctor_reports_the_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--store", str(tmp_path / "new" / "store")]) == 0
    out = capsys.readouterr().out
    for word in (
        "python",
        "torch",
        "device",
        "bfloat16",
        "cores",
        "memory",
        "GiB free",
        "all is well",
    ):
        assert word in out
    assert not (tmp_path / "new").exists()


def test_doctor_finds_a_store_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a-file"
    file.write_text("")
    assert main(["doctor", "--store", str(file / "store")]) == 1
    assert f"{file} is a file, not a folder; choose another" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"suite, version {version('suite-compare')}\n"


def test_the_lines_with_an_endpoint_in_the_readme_are_not_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    readme = Path(__file__).parent.parent.parent / "README.md"
    lines = [line for line in readme.read_text().splitlines() if "openai" in line]
    commands = [line.strip() for line in lines if line.startswith("    suite run ")]
    assert len(commands) == 2
    for command in commands:
        # What follows three spaces says what the command is for.
        words = command.partition("   ")[0].replace("--dry-run", "").split()
        words = [word.replace("=URL", "=http://localhost:8000/v1") for word in words]
        assert main(["plan", *words[2:]]) == 0
        assert " cells; " in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    """`suite list | head -1`, with a reader that reads nothing."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "suite.cli", "list", "npo", "--json"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert "Traceback" not in done.stderr
