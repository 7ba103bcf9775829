"""What surrounds the code: distributions, changelog, citation, templates, Dockerfile."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PAPERS = {"2404.05868", "2310.12036", "2305.18290", "2402.13228"}
"""NPO, Psi-PO, DPO, DPOP."""


def test_every_package_is_distributed_and_typed() -> None:
    setuptools = PROJECT["tool"]["setuptools"]
    folders = setuptools["package-dir"]
    found = set()
    for name, folder in folders.items():
        assert (ROOT / folder / "py.typed").is_file()
        assert "py.typed" in setuptools["package-data"][name]
        for init in (ROOT / folder).rglob("__init__.py"):
            inner = init.parent.relative_to(ROOT / folder).parts
            found.add(".".join((name, *inner)))
    data = {name for name in setuptools["package-data"] if name not in folders}
    assert set(setuptools["packages"]) == found | data


def test_the_citation_names_the_version_and_the_source_papers() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]
    assert {ref["url"].rpartition("/")[2] for ref in citation["references"]} == PAPERS
    assert all(ref["authors"] and ref["title"] and ref["year"] for ref in citation["references"])


def test_fragments_have_a_kind_that_the_changelog_knows() -> None:
    settings = PROJECT["tool"]["towncrier"]
    kinds = {kind["directory"] for kind in settings["type"]}
    for path in (ROOT / settings["directory"]).iterdir():
        if path.name != "README.md":
            assert re.fullmatch(rf"(\+\w+|\d+)\.({'|'.join(kinds)})\.md", path.name), path.name
            assert path.read_text().strip()
    assert settings["start_string"] in (ROOT / settings["filename"]).read_text()
    said = (ROOT / settings["directory"] / "README.md").read_text()
    assert kinds == set(re.findall(r"^- `(\w+)`:", said, flags=re.MULTILINE))


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_issue_templates_have_what_github_asks_for(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    if path.stem == "config":
        return
    assert form["name"] and form["description"] and form["body"]
    assert all({"type", "attributes"} <= set(part) for part in form["body"])


def test_hooks_before_a_commit_call_what_ci_calls() -> None:
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    called = [hook["entry"] for hook in repo["hooks"]]
    assert called[:3] == ["ruff check --fix", "ruff format", "mypy"]
    for name in re.findall(r"tests/\S+\.py", " ".join(called)):
        assert (ROOT / name).is_file()


def dockerfile() -> list[list[str]]:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def test_the_dockerfile_copies_what_is_there() -> None:
    for word, *arguments in dockerfile():
        if word == "COPY":
            assert all((ROOT / source).exists() for source in arguments[:-1])


@pytest.mark.slow
def test_what_the_dockerfile_copies_builds_the_whole_wheel(tmp_path: Path) -> None:
    """Its `pip install .` sees only what was copied; it must find every file that the wheel has."""
    source = tmp_path / "src"
    source.mkdir()
    for word, *arguments in dockerfile():
        for name in arguments[:-1] if word == "COPY" else ():
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / name)
            else:
                shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, str(tmp_path), str(source)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"suite/py.typed", "suite_plugins/py.typed", "suite_benchmarks/py.typed"} <= names
    folders = PROJECT["tool"]["setuptools"]["package-dir"]
    for package, folder in folders.items():
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".jinja"):
                assert f"{package}/{path.relative_to(ROOT / folder)}" in names
