"""The workflows: what they call is there, and what they promise about caches and publishing."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".github" / "workflows"
INDEX = "https://download.pytorch.org/whl/" + "cpu"
FILES = sorted(FOLDER.glob("*.yml"))


def loaded(name: str) -> dict[Any, Any]:
    """YAML 1.1 reads the key `on` as the truth value."""
    return dict(yaml.safe_load((FOLDER / name).read_text()))


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in loaded(name)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_workflow_is_whole(file: Path) -> None:
    workflow = loaded(file.name)
    assert workflow["name"] == file.stem
    assert workflow[True], "no trigger"
    assert workflow["permissions"] == {"contents": "read"}, "only jobs that write may write"
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 180
        assert set([job["needs"]] if "needs" in job else []) <= set(workflow["jobs"])
    for step in steps(file.name):
        assert ("run" in step) != ("uses" in step)
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"])
        else:
            script = re.sub(r"\$\{\{.*?\}\}", "value", step["run"])
            subprocess.run(["bash", "-n", "-c", script], check=True)
            for path in re.findall(r"\.ci/[\w.]+", script):
                assert (ROOT / path).is_file()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_caches_are_restored_and_saved_after_a_failure_too(file: Path) -> None:
    caches = [step for step in steps(file.name) if "cache" in step.get("uses", "")]
    kinds = [step["uses"].split("@")[0] for step in caches]
    assert kinds == ["actions/cache/restore", "actions/cache/save"]
    restored, saved = caches
    assert saved["if"] == "always()"
    assert saved["with"] == {name: restored["with"][name] for name in ("path", "key")}
    assert restored["with"]["restore-keys"].strip() in saved["with"]["key"]


def test_runners_find_cpu_wheels_and_nothing_else_names_that_index() -> None:
    assert loaded("ci.yml")["env"]["PIP_EXTRA_INDEX_URL"] == INDEX
    assert loaded("leaderboard.yml")["jobs"]["leaderboard"]["env"]["PIP_EXTRA_INDEX_URL"] == INDEX
    found = subprocess.run(
        ["git", "grep", "-l", INDEX], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert all(name.startswith(".github/workflows/") for name in found.stdout.splitlines())


def test_leaderboards_are_published_from_a_green_main_only() -> None:
    workflow = loaded("leaderboard.yml")
    assert workflow[True] == {
        "workflow_run": {"workflows": ["ci"], "types": ["completed"], "branches": ["main"]}
    }
    job = workflow["jobs"]["leaderboard"]
    for needed in ("conclusion == 'success'", "event == 'push'", "== github.repository"):
        assert needed in job["if"]
    checkout = job["steps"][0]["with"]
    assert checkout["ref"] == "${{ github.event.workflow_run.head_sha }}"
    assert checkout["fetch-depth"] == 0
    script = job["steps"][-1]["run"]
    assert script.index("rebase origin/main") < script.index("git push origin HEAD:main")
    assert workflow["jobs"]["pages"]["needs"] == "leaderboard"


@pytest.mark.parametrize("moved", ["", "elsewhere", "reports"])
def test_the_commit_lands_on_what_main_has_become(tmp_path: Path, moved: str) -> None:
    def git(*arguments: str, where: str = "runner") -> str:
        names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        command = ["git", "-C", str(tmp_path / where), *names, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def commit(file: str, text: str, where: str) -> None:
        path = tmp_path / where / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        git("add", ".", where=where)
        git("commit", "-m", f"{file} {text}", where=where)

    for where in ("main", "other", "runner"):
        (tmp_path / where).mkdir()
    git("init", "--bare", "-b", "main", where="main")
    git("clone", str(tmp_path / "main"), ".", where="other")
    git("checkout", "-b", "main", where="other")
    commit("reports/a", "1", "other")
    git("push", "origin", "main", where="other")
    git("clone", str(tmp_path / "main"), ".")
    git("checkout", "--detach")
    if moved:
        commit(f"{moved}/b", "2", "other")
        git("push", "origin", "main", where="other")
    (tmp_path / "runner" / "reports" / "a").write_text("3")
    script = loaded("leaderboard.yml")["jobs"]["leaderboard"]["steps"][-1]["run"]
    command = ["bash", "-e", "-c", script]
    done = subprocess.run(
        command, cwd=tmp_path / "runner", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    subjects = git("log", "--format=%s", where="main").splitlines()
    assert subjects == ["Leaderboards", *([f"{moved}/b 2"] if moved else []), "reports/a 1"]


def test_a_store_is_pruned_to_what_is_planned(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("prune_store", ROOT / ".ci" / "prune_store.py")
    assert spec and spec.loader
    pruning = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pruning)
    for name in ("stages/train/a", "stages/train/b", "scratch/train/c", "scratch/train/d", "tmp/x"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "locks").mkdir()
    assert pruning.main(tmp_path, [tmp_path / "nosuch.toml"]) == 1
    pruning.prune(tmp_path, {"a", "c"})
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*/*")}
    assert left == {"stages/train/a", "scratch/train/c"}
    assert not (tmp_path / "tmp").exists() and (tmp_path / "locks").is_dir()
    config = tmp_path / "bandit.toml"
    config.write_text('bench = "bandit"\nmethods = "dpo"\n')
    assert len(pruning.planned(config)) == 1
