"""What is read from TOFU's published files and from the generated world, and what is asked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from suite_benchmarks.memorisation.limit import spread
from suite_benchmarks.tofu import Tofu, TofuConfig
from suite_benchmarks.tofu.refusals import REFUSALS, refusal

from suite import Message, UserError
from suite.api.data import Source

PER_AUTHOR = 20


@pytest.mark.parametrize(
    ("split", "authors"), [("forget10", 20), ("forget05", 10), ("forget01", 2)]
)
def test_published_rows_and_authors(published, split, authors):
    _, data = published(split=split)
    n = authors * PER_AUTHOR
    rows = {**data.roles, **data.starts}
    counts = {"forget": n, "alternate": n, "retain": 4000 - n, "retrain": 4000 - n, "target": 4000}
    assert {name: len(part) for name, part in rows.items()} == counts
    assert [row.id for row in data.starts["target"]] == [f"full/{i}" for i in range(4000)]
    assert [row.id for row in data.roles["forget"]] == [f"full/{i}" for i in range(4000 - n, 4000)]
    assert not {row.id for row in data.roles["forget"]} & {row.id for row in data.roles["retain"]}
    assert Counter(row.cluster for row in data.starts["target"]) == {
        f"author/{i}": 20 for i in range(200)
    }
    assert len({item["cluster"] for item in data.sets["forget"]}) == authors
    assert data.partial is False


def test_rows_are_the_files_rows(tofu_folder, published):
    _, data = published(split="forget01")
    first = json.loads((tofu_folder / "forget01.json").read_text().splitlines()[0])
    row = data.roles["forget"][0]
    assert (row.id, row.cluster) == ("full/3960", "author/198")
    assert row.prompt == (Message("user", first["question"]),)
    assert row.completion == first["answer"]


@pytest.mark.parametrize(("split", "n"), [("forget10", 400), ("forget05", 200), ("forget01", 40)])
def test_published_requests(published, split, n):
    benchmark, data = published(split=split)
    requests = benchmark.requests(data)
    by_set = Counter((r.id.split("/")[0], r.kind) for r in requests)
    assert by_set == {
        ("forget", "loglikelihood"): 7 * n,
        ("retain", "loglikelihood"): 7 * 400,
        ("real_authors", "loglikelihood"): 4 * 100,
        ("world_facts", "loglikelihood"): 4 * 117,
        ("forget", "generate"): n,
        ("retain", "generate"): 400,
        ("real_authors", "generate"): 100,
        ("world_facts", "generate"): 117,
    }
    assert len({r.id for r in requests}) == len(requests)


def test_requests_of_one_item(published):
    benchmark, data = published(split="forget01")
    item = data.sets["forget"][12]
    asked = [r for r in benchmark.requests(data) if r.id.startswith("forget/12/")]
    names = ["answer", "paraphrased", *(f"perturbed/{i}" for i in range(5)), "generation"]
    texts = [item["answer"], item["paraphrased_answer"], *item["perturbed_answer"], item["answer"]]
    assert [r.id for r in asked] == [f"forget/12/{name}" for name in names]
    assert [r.expected for r in asked] == texts
    assert {r.prompt for r in asked} == {(Message("user", item["question"]),)}
    assert (asked[-1].kind, asked[-1].max_new_tokens, asked[-1].temperature) == (
        "generate",
        200,
        0.0,
    )


def test_retain_questions_know_their_author(published):
    """The question at place 100 is asked again, with another answer, at place 440."""
    _, data = published(split="forget01")
    assert [item["row"] for item in data.sets["retain"]] == [f"full/{i}" for i in range(400)]
    assert data.sets["retain"][100]["cluster"] == "author/5"


def test_alternate_is_aligned_with_forget(published):
    _, data = published(split="forget10")
    forget, alternate = data.roles["forget"], data.roles["alternate"]
    assert [replace(row, completion="") for row in alternate] == [
        replace(row, completion="") for row in forget
    ]
    used = Counter(row.completion for row in alternate)
    assert set(used) == set(REFUSALS)
    assert max(used.values()) < 40  # 400 rows over 30 refusals
    _, small = published(split="forget01")
    assert small.roles["alternate"] == alternate[-40:]


def test_refusals_differ_and_are_picked_by_id():
    assert len(REFUSALS) == len({text.casefold() for text in REFUSALS}) >= 30
    assert refusal("full/1") == refusal("full/1")
    assert refusal("full/1", ("only",)) == "only"


def test_fewer_retain_authors(published):
    _, data = published(split="forget05", retain_authors=8)
    assert (len(data.starts["retrain"]), len(data.starts["target"])) == (160, 360)
    assert len(data.sets["retain"]) == 160
    assert {item["row"] for item in data.sets["retain"]} <= {row.id for row in data.roles["retain"]}
    assert data.partial
    assert "retain data of 8 of 190 authors" in data.notes
    assert (
        "240 questions of retain_perturbed are not about retain rows in training: not asked"
        in data.notes
    )


def test_more_retain_authors_than_there_are_is_all_of_them(published):
    _, data = published(split="forget01", retain_authors=198)
    assert data == published(split="forget01")[1]


def test_limit_spreads_over_authors_and_is_nested(published):
    _, whole = published(split="forget10")
    _, small = published(split="forget10", limit=20)
    _, large = published(split="forget10", limit=50)
    assert {name: len(items) for name, items in small.sets.items()} == dict.fromkeys(whole.sets, 20)
    assert set(Counter(item["cluster"] for item in small.sets["forget"]).values()) == {1}
    assert set(Counter(item["cluster"] for item in large.sets["forget"]).values()) == {2, 3}
    assert len({int(item["id"].split("/")[1]) % PER_AUTHOR for item in small.sets["forget"]}) > 5
    for name in whole.sets:
        ids = [[item["id"] for item in data.sets[name]] for data in (small, large, whole)]
        assert set(ids[0]) < set(ids[1]) < set(ids[2])
        assert ids[0] == [i for i in ids[2] if i in set(ids[0])]
    assert small.partial
    assert "20 of 117 questions of world_facts" in small.notes
    assert small.roles == whole.roles


def test_spread_of_more_than_there_are_is_everything():
    items = [{"id": str(i), "cluster": "a"} for i in range(3)]
    assert spread(items, 5) == items


def test_the_hub_and_the_folder_give_the_same(tofu_folder, published, load, monkeypatch):
    """The hub's code path, with the hub replaced by the folder, which the library reads in the same
    way."""
    datasets = pytest.importorskip("datasets")
    real = datasets.load_dataset

    def local(source, name, *, split, trust_remote_code):
        assert (source, trust_remote_code) == ("locuslab/TOFU", False)
        return real(str(tofu_folder), name, split=split)

    monkeypatch.setattr(datasets, "load_dataset", local)
    _, hub = load(None, "forget01")
    _, folder = published(split="forget01")
    assert hub.revision == folder.revision.replace("tofu@", "locuslab/TOFU@")
    assert replace(hub, revision="") == replace(folder, revision="")


@pytest.mark.parametrize("split", Tofu.splits)
def test_the_generated_world(split):
    from suite.tiny import words, world

    benchmark = Tofu(TofuConfig())
    data = benchmark.load(Source(None, split, tiny=True))
    n = len(world.tables(split))
    assert len(data.roles["forget"]) == len(data.sets["forget"]) == n
    assert (
        len(data.starts["target"]) == len(data.starts["retrain"]) + n == len(world.tables("full"))
    )
    assert len({row.cluster for row in data.roles["forget"]}) == n // world.QUESTIONS_PER_AUTHOR
    assert {row.completion for row in data.roles["alternate"]} <= set(words.REFUSALS)
    assert benchmark.requests(data)


def test_settings_are_chosen_on_other_generated_authors():
    reported = Tofu(TofuConfig()).load(Source(None, "forget10", tiny=True))
    other = Tofu(TofuConfig(author_seed=1)).load(Source(None, "forget10", tiny=True))
    asked = {row.prompt for row in reported.roles["forget"]}
    assert not asked & {row.prompt for row in other.roles["forget"]}
    assert other.revision.startswith("generated world, authors 1@")


def test_published_authors_cannot_be_drawn(tofu_folder):
    with pytest.raises(UserError, match=r"tofu\.author_seed is for generated authors"):
        Tofu(TofuConfig(author_seed=1)).load(Source(str(tofu_folder), "forget01", tiny=False))
