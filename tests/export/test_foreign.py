"""Runs and data of somebody else: whatever they claim, files land below --out, and nothing steers
the terminal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from suite.api.cells import Cell
from suite.cli import main
from suite.cli.streams import say
from suite.core.errors import UserError
from suite.results import schema as results
from suite.store import inside

RUN = Path(__file__).parents[2] / "reports" / "tofu_smollm2_reduced"
CLIMBING = [
    "../../../climbed",
    "/tmp/climbed_absolute",
    "a/../../../../climbed",
    "..\\climbed",
    "x\x00y",
]
STEERING = "\x1b[31mred\x1b]8;;https://evil.example\x07\x9b31m\u202e\r\x00"


def claimed(folder: Path, bad: str) -> Path:
    """A run whose first method's cells, benchmark and split are all called `bad`."""
    run = folder / "run"
    content = json.loads((RUN / "results.json").read_text())
    method = content["cells"][0]["cell"]["method"]
    for comparison in content["comparisons"]:
        comparison.update(benchmark=f"{comparison['benchmark']}{bad}", split=bad)
    (run / "samples").mkdir(parents=True)
    for result in content["cells"]:
        old = Cell(**result["cell"]).slug
        result["cell"].update(benchmark=f"{result['cell']['benchmark']}{bad}", split=bad)
        if result["cell"]["method"] == method:
            result["cell"]["method"] = bad
        shutil.copy(
            RUN / "samples" / f"{old}.jsonl",
            run / "samples" / f"{Cell(**result['cell']).slug}.jsonl",
        )
    (run / "results.json").write_text(json.dumps(content))
    return run


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("bad", CLIMBING)
@pytest.mark.parametrize("name", ["lm-eval", "csv"])
def test_an_export_stays_below_out(
    tmp_path: Path, bad: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = claimed(tmp_path, bad)
    before = files(tmp_path)
    out = tmp_path / "one" / "two" / "out"
    assert main(["export", str(run), "--format", name, "--out", str(out)]) == 0
    written = files(tmp_path) - before
    assert written
    assert all(path.is_relative_to(out) for path in written)
    assert "\x00" not in capsys.readouterr().out
    assert not Path("/tmp/climbed_absolute").exists()


def test_a_report_stays_below_out(tmp_path: Path) -> None:
    run = claimed(tmp_path, "../../../climbed")
    before = files(tmp_path)
    out = tmp_path / "one" / "two" / "out"
    assert main(["report", str(run), "--out", str(out)]) == 0
    assert all(path.is_relative_to(out) for path in files(tmp_path) - before)


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cell").symlink_to(tmp_path)
    assert inside(tmp_path / "out", "other/file") == tmp_path / "out" / "other" / "file"
    for name in ("cell/file", "../file", "/etc/file"):
        with pytest.raises(UserError, match="outside of"):
            inside(tmp_path / "out", name)


def test_an_error_about_a_foreign_file_steers_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results.json").write_text(json.dumps({"schema_version": STEERING}))
    assert main(["report", str(tmp_path)]) != 0
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not set(error) & set("\x1b\x07\x9b\u202e\r\x00")
    assert "␛[31mred" in error


def test_a_hostile_name_of_a_column_steers_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps({STEERING: "a"}) + "\n")
    assert main(["agreement", str(labels)]) == 2
    assert not set(capsys.readouterr().err) & set("\x1b\x07\x9b\u202e\r\x00")


def test_what_is_said_is_one_line_and_keeps_its_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"  two  spaces {STEERING}\nnext")
    out = capsys.readouterr().out
    assert out.startswith("  two  spaces ␛[31mred")
    assert out.count("\n") == 1


def test_the_published_run_is_read(tmp_path: Path) -> None:
    assert results.read(claimed(tmp_path, "ok") / "results.json").cells
