"""`suite score --bench`: what a benchmark makes of other tools' files, through a plugin of a
test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.cli import main
from suite.registry import Registry
from tests.thirdparty.distributions import Site, benchmark

READS = """
        files = {"verdicts": "One number a line.", "second_file": "Another."}

        def score_files(self, files):
            from suite import Metric, Scores
            numbers = [float(line) for path in files.values() for line in path.read_text().split()]
            total = sum(numbers) * self.config.size
            return Scores([], [Metric("total", total, True, n=len(numbers))])
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def with_files(files: str = READS) -> str:
    """Source of a benchmark that reads files."""
    marker = "        Config = Settings\n"
    return benchmark("reads").replace(marker, marker + files)


def test_a_benchmark_scores_the_files_it_names(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add("reader", {"reads": with_files()})
    file = site.folder / "verdicts.txt"
    file.write_text("1\n2.5\n")
    command = ["score", "--bench", "reads", "--verdicts", str(file), "--set", "reads.size=2"]
    assert main([*command, "--json"]) == 0
    (metric,) = json.loads(capsys.readouterr().out)
    assert (metric["name"], metric["value"], metric["n"]) == ("total", 7.0, 2)
    assert main([*command, "--second-file", str(file)]) == 0
    assert "14.0" in capsys.readouterr().out
    assert main(["score", "--help"]) == 0
    out = capsys.readouterr().out
    assert "Files of --bench reads" in out and "--second-file FILE" in out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--bench", "reads"], 2, "--bench reads: name a file: --verdicts, --second-file"),
        (
            ["--bench", "reads", "--verdict", "x"],
            2,
            "No such option '--verdict'. Did you mean '--verdicts'?",
        ),
        (["--bench", "reads", "--verdicts", "nowhere"], 4, "--verdicts nowhere: no such file"),
        (
            ["--bench", "reads", "--verdicts", "nowhere", "more"],
            2,
            "Got unexpected extra argument (more)",
        ),
        (
            ["--bench", "reeds", "--verdicts", "x"],
            2,
            "unknown benchmark 'reeds'; did you mean 'reads'?",
        ),
        (["--bench", "bandit", "--verdicts", "x"], 2, "bandit reads no files of other tools"),
        (["run", "--verdicts", "x"], 2, "No such option '--verdicts'"),
        (["run", "--json"], 2, "--set, --block and --json go with --bench"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], status: int, said: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add("reader", {"reads": with_files()})
    assert main(["score", *arguments]) == status
    err = capsys.readouterr().err
    assert err.startswith(f"suite: error: {said}") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ('        files = {"verdicts": "x"}\n', "names files, but does not define score_files"),
        (
            READS.replace("second_file", "bench"),
            "'bench', which cannot be an option of `suite score`",
        ),
        (
            READS.replace("second_file", "Second"),
            "'Second', which cannot be an option of `suite score`",
        ),
    ],
)
def test_a_benchmark_that_cannot_keep_its_word_is_broken(files: str, said: str, site: Site) -> None:
    site.add("reader", {"reads": with_files(files)})
    (info,) = (each for each in Registry.load().plugins() if each.name == "reads")
    assert info.status == "broken" and said in info.error
