"""`suite new`: what it writes works as it is; what is there stays."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from suite.cli import main
from suite.cli.new import KINDS, files
from suite.testing import report

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_keeps_the_rules(kind: str, here: Path) -> None:
    from suite.registry import Registry

    assert main(["new", kind, "my_first"]) == 0
    written = {str(p.relative_to(here / "my_first")) for p in here.rglob("*") if p.is_file()}
    assert written == {"pyproject.toml", "README.md", "suite_my_first.py", "tests/test_my_first.py"}
    found = Registry.load(files=["my_first/suite_my_first.py"])
    report(kind, getattr(found, kind)("my_first")).raise_if_broken()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_tidy(kind: str, here: Path) -> None:
    for path, text in files(kind, "my_first_one").items():
        assert "{" + "{" not in text and "{%" not in text and not text.endswith("\n\n"), path
        assert max(map(len, text.splitlines())) <= 100
        if path.endswith(".py"):
            compile(text, path, "exec")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("npo", "is the name of a method of suite-compare already"),
        ("tofu", "is the name of a benchmark of suite-compare already"),
        ("run_log", "is the name of a plugin of suite-compare already"),
        ("seeds", "is a setting of the run"),
        ("My", "cannot be a name"),
        ("class", "cannot be a name"),
        ("../up", "cannot be a name"),
    ],
)
def test_names_are_checked(
    name: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "method", name]) == 2
    assert said in capsys.readouterr().err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("there", ["folder", "file", "link"])
def test_nothing_is_overwritten(there: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = here / "mine"
    if there == "folder":
        target.mkdir()
    elif there == "file":
        target.write_text("my work")
    else:
        target.symlink_to(here / "nowhere")
    assert main(["new", "method", "mine"]) == 2
    assert "choose another name" in capsys.readouterr().err
    assert [path.name for path in here.rglob("*")] == ["mine"]


@pytest.mark.slow
def test_the_packages_work_in_a_fresh_environment(tmp_path: Path) -> None:
    """A wheel of the suite and the three packages are installed into an empty environment.

    The libraries that the suite needs are those of this environment: nothing is fetched.
    """
    # Without a pip of its own: it brings an old setuptools.
    command = [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")]
    subprocess.run(command, check=True)
    python = tmp_path / "env" / "bin" / "python"
    where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    (Path(site) / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SUITE_STORE")}
    environ = {**kept, "SUITE_STORE": str(tmp_path / "store"), "OMP_NUM_THREADS": "1"}

    def run(*command: str, where: Path = tmp_path) -> str:
        done = subprocess.run(
            [str(python), "-m", *command], cwd=where, env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    offline = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    wheel = tmp_path / "wheel"
    run("pip", "wheel", *offline, "--wheel-dir", str(wheel), str(copy_of_the_suite(tmp_path)))
    run("pip", "install", "--force-reinstall", *offline, *map(str, wheel.glob("*.whl")))
    for kind in KINDS:
        run("suite.cli", "new", kind, f"my_{kind}")
        run("pip", "install", *offline, f"./my_{kind}")
        assert f"my_{kind}" in run("suite.cli", "list")
        assert " 0 broken" in run("suite.cli", "check", f"my_{kind}")
        tested = run("pytest", "-q", "-p", "no:cacheprovider", where=tmp_path / f"my_{kind}")
        assert "2 passed" in tested
    run("suite.cli", "run", "--methods", "my_method", "--bench", "tofu", "--out", "out")
    assert "my_method" in (tmp_path / "out" / "leaderboard.md").read_text()
    run("suite.cli", "run", "--methods", "ga", "--bench", "my_benchmark", "--out", "other")
    assert "forget_probability" in (tmp_path / "other" / "results.json").read_text()


def copy_of_the_suite(folder: Path) -> Path:
    """The sources, copied: building leaves files behind."""
    import shutil

    target = folder / "source"
    target.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("suite", "plugins", "benchmarks"):
        shutil.copytree(ROOT / name, target / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target / name)
    return target
