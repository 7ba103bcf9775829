"""`suite push` through huggingface_hub itself, to a server on loopback that keeps what it
is sent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from suite.cli import main
from suite.core.errors import UserError
from suite.export.hub import check_name
from suite.export.upload import gather
from suite.results import schema
from suite.results.samples import read_samples
from tests.servers.hub_server import READ_ONLY, TOKEN, HubServer

RUN = Path(__file__).parents[2] / "reports" / "tofu_smollm2_reduced"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    from huggingface_hub import constants

    with HubServer() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server


@pytest.fixture
def model(tiny_folder: Path, tmp_path: Path) -> Path:
    """A model folder with a card and the hub's result file."""
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# npo\n")
    (folder / ".eval_results").mkdir()
    entry = {"dataset": {"id": "locuslab/TOFU", "task_id": "tofu_forget10_x"}, "value": 0.5}
    (folder / ".eval_results" / "tofu.yaml").write_text(yaml.safe_dump([entry]))
    (folder / "optimizer.pt").write_bytes(b"pickled")
    return folder


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of an error."""
    assert main(["push", *arguments]) == 2
    errors = [
        line for line in capsys.readouterr().err.splitlines() if line.startswith("suite: error: ")
    ]
    (line,) = errors
    return line.removeprefix("suite: error: ")


def test_a_model_arrives_whole_and_nothing_else_of_its_folder(
    server: HubServer, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(model), "me/npo"]) == 0
    assert capsys.readouterr().out.strip().startswith(f"{server.url}/me/npo/commit/")
    received = server.repositories["model", "me/npo"]
    assert "optimizer.pt" not in received
    assert {"README.md", ".eval_results/tofu.yaml", "model.safetensors"} <= received.keys()
    for name, content in received.items():
        assert content == (model / name).read_bytes(), name
    assert ("model", "me/npo") not in server.private


def test_the_clients_own_reader_understands_the_result_file(server: HubServer, model: Path) -> None:
    from huggingface_hub._eval_results import parse_eval_result_entries

    assert main(["push", str(model), "me/npo"]) == 0
    content = server.repositories["model", "me/npo"][".eval_results/tofu.yaml"]
    (entry,) = parse_eval_result_entries(yaml.safe_load(content))
    assert (entry.dataset_id, entry.task_id, entry.value) == (
        "locuslab/TOFU",
        "tofu_forget10_x",
        0.5,
    )


def test_a_run_becomes_a_data_set_that_datasets_loads(server: HubServer, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    assert main(["push", str(RUN), "answers", "--private"]) == 0  # the token's owner is its owner
    assert ("dataset", "me/answers") in server.private
    received = server.repositories["dataset", "me/answers"]
    assert received["results.json"] == (RUN / "results.json").read_bytes()
    for name, content in received.items():
        path = tmp_path / "received" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    slugs = [cell.cell.slug for cell in schema.read(RUN / "results.json").cells]
    ours = read_samples(RUN / "samples", slugs)
    assert set(datasets.get_dataset_config_names(str(tmp_path / "received"))) == set(ours)
    slug = slugs[-1]
    rows = datasets.load_dataset(
        str(tmp_path / "received"), slug, split="train", cache_dir=str(tmp_path / "cache")
    )
    assert [row["generation"] for row in rows] == [sample.generation for sample in ours[slug]]


def test_environment_variables_alone_decide_where_it_goes(model: Path) -> None:
    with HubServer() as server:
        environ = {"HF_ENDPOINT": server.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
        command = [sys.executable, "-m", "suite.cli", "push", str(model), "me/npo"]
        done = subprocess.run(
            command, env={**os.environ, **environ}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "model.safetensors" in server.repositories["model", "me/npo"]


def test_a_second_push_adds_to_what_is_there(server: HubServer, model: Path) -> None:
    server.repositories["model", "me/npo"] = {"notes.txt": b"mine", "README.md": b"old"}
    assert main(["push", str(model), "me/npo"]) == 0
    received = server.repositories["model", "me/npo"]
    assert received["notes.txt"] == b"mine"
    assert received["README.md"] == (model / "README.md").read_bytes()


def test_a_dry_run_asks_nobody_and_lists_every_file(
    server: HubServer, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(model), "me/npo", "--dry-run"]) == 0
    listed = {line.split()[-1] for line in capsys.readouterr().out.splitlines()[1:]}
    assert listed == gather(model).files.keys()
    assert server.seen == []


def test_refusals_are_one_line_and_nothing_is_lost(
    server: HubServer,
    model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "answers 401: the token is not valid" in failed(capsys, str(model), "me/npo")
    monkeypatch.setenv("HF_TOKEN", READ_ONLY)
    assert "answers 403: the token may not write there" in failed(capsys, str(model), "me/npo")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    server.repositories["dataset", "me/npo"] = {"a": b"a"}
    said = failed(capsys, str(model), "me/npo")
    assert said.startswith("me/npo is a data set on the hub, and this would be a model: choose")
    assert server.repositories == {("dataset", "me/npo"): {"a": b"a"}}
    assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("end", ["/preupload/main", "/commit/main", "/objects/batch"])
def test_an_upload_that_breaks_off_commits_nothing(
    server: HubServer, model: Path, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    server.repositories["model", "me/npo"] = {"README.md": b"old"}
    server.fails[end] = (400, "storage quota exceeded")
    assert "storage quota exceeded; nothing was committed" in failed(capsys, str(model), "me/npo")
    assert server.repositories["model", "me/npo"] == {"README.md": b"old"}
    server.fails.clear()
    assert main(["push", str(model), "me/npo"]) == 0


def test_without_a_token_or_a_network(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    # Port 9 (discard): nobody listens there.
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    said = failed(capsys, str(model), "me/npo")
    assert said.startswith("me/npo: cannot upload to http://127.0.0.1:9 (")
    assert said.endswith("nothing was committed")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(model / "no-token"))
    assert failed(capsys, str(model), "me/npo").startswith("no token for http://127.0.0.1:9: ")


def test_folders_that_are_neither_a_model_nor_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        gather(tmp_path / "absent")
    with pytest.raises(UserError, match=r"neither a run .* it holds nothing"):
        gather(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(UserError, match=r"no \.safetensors file"):
        gather(tmp_path)
    (tmp_path / "results.json").write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(UserError, match="schema_version is 99"):
        gather(tmp_path)


def test_a_name_that_no_repository_can_have() -> None:
    check_name("me/npo-1.5_b")
    for name in ("a/b/c", "me/n po", "", "me/../x", "-x"):
        with pytest.raises(UserError, match="no name of a repository"):
            check_name(name)
