"""The key: what is in it, what is not, and that equal keys mean equal settings."""

from __future__ import annotations

import enum
import json
import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.core.errors import MissingError, UserError
from suite.store import Stage, Store, canonical, closure, default_root
from suite.store.canonical import parse

TEXT = st.text(st.characters(exclude_categories=[]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
)


def typed(value: object) -> object:
    """Tell 1 from 1.0 from True and 0.0 from -0.0, which == does not."""
    if isinstance(value, list):
        return [typed(item) for item in value]
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return type(value), value, isinstance(value, float) and math.copysign(1, value)


@given(JSON)
def test_canonical_json_loses_nothing(value):
    """Reading gives the value back, types included, so two values never share a spelling."""
    try:
        text = canonical(value)
    except UserError as error:
        assert "surrogate" in str(error)  # noqa: PT017
        return
    assert typed(parse(text)) == typed(value)
    assert canonical(parse(text)) == text
    assert text.isascii()


@given(
    st.dictionaries(st.text(), SCALARS.filter(lambda value: not isinstance(value, str)), min_size=2)
)
def test_order_does_not_matter(value):
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_a_character_and_its_two_surrogates_never_share_a_spelling():
    assert parse(canonical("\U0001f600")) == "\U0001f600"
    assert parse(canonical("\ude00\ud83d")) == "\ude00\ud83d"
    with pytest.raises(UserError, match="surrogate"):
        canonical("\ud83d\ude00")


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        {1: 2},
        {None: 1},
        {1, 2},
        b"x",
        Path("x"),
        object(),
        1j,
        np.zeros(2),
        np.float32(1),
        print,
        enum.Enum("E", "a").a,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_json_is_refused_by_place(value):
    with pytest.raises(UserError, match=r"train spec\.settings\[1\]"):
        Stage("train", {"settings": [0, value]})


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "{", "", "01", "'a'"])
def test_reading_is_strict(text):
    with pytest.raises(ValueError, match=r"Expecting|not JSON|Extra data"):
        parse(text)


def stage(**changes: object) -> Stage:
    settings = {
        "kind": "train",
        "spec": {"lr": 0.1, "seed": 0},
        "code": ("suite.api.method",),
        "label": "a",
    }
    settings["inputs"] = {"base": Stage("base", {"n": 1})}
    return Stage(**{**settings, **changes})


@pytest.mark.parametrize("changes", [
    {"kind": "respond"},
    {"spec": {"lr": 0.1, "seed": 1}},
    {"spec": {"lr": 0.1, "seed": 0, "more": None}},
    {"spec": {"lr": 0.1, "seed": False}},
    {"code": ()},
    {"code": ("suite.api.method", "suite.metrics")},
    {"inputs": {}},
    {"inputs": {"base": Stage("base", {"n": 2})}},
    {"inputs": {"start": Stage("base", {"n": 1})}},
], ids=lambda changes: "-".join(changes))  # fmt: skip
def test_every_ingredient_changes_the_key(changes):
    assert stage(**changes).key != stage().key


def test_a_stage_survives_pickling_and_prints_as_json():
    made = stage(resources={"micro_batch": 2})
    again = pickle.loads(pickle.dumps(made))
    assert (again.key, again.label, dict(again.resources)) == (made.key, "a", {"micro_batch": 2})
    assert again.inputs["base"].key == made.inputs["base"].key
    shown = json.loads(json.dumps(made.as_json()))
    assert shown["spec"] == {"lr": 0.1, "seed": 0}
    assert shown["inputs"] == {"base": made.inputs["base"].key}


def test_label_order_resources_and_tuples_do_not_change_the_key():
    assert stage(label="b", spec={"seed": 0, "lr": 0.1}).key == stage().key
    assert stage(resources={"micro_batch": 2}).key == stage().key
    modules = ("suite.core.errors", "suite.api.method")
    assert stage(code=modules).key == stage(code=modules[::-1]).key
    assert stage(spec={"seeds": (0, 1)}).key == stage(spec={"seeds": [0, 1]}).key


def test_an_input_of_an_input_changes_the_key():
    def chain(n: int) -> Stage:
        base = Stage("base", {"n": n})
        return stage(inputs={"model": stage(inputs={"base": base})})

    assert chain(1).key == chain(1).key
    assert chain(1).key != chain(2).key


def test_a_schema_changes_the_key(monkeypatch):
    before = stage().key
    monkeypatch.setattr("suite.store.stage.SCHEMA_VERSION", 2)
    assert stage().key != before


def test_the_spec_cannot_be_changed_afterwards(root):
    spec = {"lr": [0.1]}
    made = stage(spec=spec)
    spec["lr"].append(0.2)
    assert made.key == stage(spec={"lr": [0.1]}).key
    with pytest.raises(TypeError):
        made.spec["lr"] = 1


@pytest.mark.parametrize("kind", ["", "..", "a/b", "Train", "a b", "a\n", "-a", "a" * 41])
def test_kinds_that_are_no_plain_names(kind):
    with pytest.raises(UserError, match="plain name"):
        Stage(kind, {})


def python(script: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_key_is_the_same_in_every_process():
    made = "Stage('train', {'b': 0.1, 'a': 1}, code=('suite.api.method',)).key"
    key = Stage("train", {"a": 1, "b": 0.1}, code=("suite.api.method",)).key
    for seed in ("1", "2"):
        assert python(f"from suite.store import Stage; print({made})", PYTHONHASHSEED=seed) == key


def test_the_store_is_light():
    heavy = "{'torch', 'numpy', 'pydantic'} & sys.modules.keys()"
    assert python(f"import sys, suite.store, suite.core.faults; print({heavy})") == "set()"


def test_a_store_without_a_builder_is_only_read(root):
    with pytest.raises(UserError, match="nobody computes"):
        Store(root).ensure(stage())


def test_one_stage_is_made_only_if_what_it_reads_is_there(root):
    built = []
    store = Store(root, builder=lambda build: built.append(build.stage.kind))
    made = stage()
    with pytest.raises(MissingError, match="which is not stored"):
        store.make(made)
    store.make(made.inputs["base"])
    assert store.make(made) == store.path(made)
    assert built == ["base", "train"]


def test_where_the_store_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("SUITE_STORE", str(tmp_path))
    assert default_root() == tmp_path
    monkeypatch.delenv("SUITE_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_root().name == "suite"
    assert tmp_path in default_root().parents


def test_what_a_manifest_tells(root):
    made = stage()
    store = Store(root, builder=lambda build: None)
    store.ensure(made)
    manifest = store.manifest(made)
    assert (manifest.kind, manifest.key, manifest.label) == ("train", made.key, "a")
    assert manifest.spec == {"lr": 0.1, "seed": 0}
    assert manifest.inputs == {"base": made.inputs["base"].key}
    assert manifest.input_contents == {"base": store.manifest(made.inputs["base"]).content}
    assert manifest.code == closure.closure("suite.api.method")
    assert manifest.versions["python"].startswith("3.")
    assert manifest.timings["peak_rss_bytes"] > 5e6
    assert manifest.timings["wall_seconds"] >= 0
    assert manifest.timings["resumed"] is False
