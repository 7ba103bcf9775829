"""The key: what is in it, what is not, and that equal keys mean equal settings."""

from __future__ import annotations

import enum
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.errors import UserError
from suite.store import Stage, Store, canonical, code_digest, default_root
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


@pytest.mark.parametrize("value", [
    math.nan, math.inf, -math.inf, {1: 2}, {None: 1}, {1, 2}, b"x", Path("x"), object(), 1j, np.zeros(2),
    np.float32(1), print, enum.Enum("E", "a").a,
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_what_is_not_json_is_refused_by_place(value):
    with pytest.raises(UserError, match=r"train spec\.settings\[1\]"):
        Stage("train", {"settings": [0, value]}, lambda build: None)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "{", "", "01", "'a'"])
def test_reading_is_strict(text):
    with pytest.raises(ValueError, match=r"Expecting|not JSON|Extra data"):
        parse(text)


def stage(**changes: object) -> Stage:
    settings = {
        "kind": "train",
        "spec": {"lr": 0.1, "seed": 0},
        "code": ("suite.method",),
        "label": "a",
    }
    settings["inputs"] = {"base": Stage("base", {"n": 1}, lambda build: None)}
    return Stage(**{**settings, "build": lambda build: None, **changes})


@pytest.mark.parametrize("changes", [
    {"kind": "respond"},
    {"spec": {"lr": 0.1, "seed": 1}},
    {"spec": {"lr": 0.1, "seed": 0, "more": None}},
    {"spec": {"lr": 0.1, "seed": False}},
    {"code": ()},
    {"code": ("suite.method", "suite.errors")},
    {"inputs": {}},
    {"inputs": {"base": Stage("base", {"n": 2}, lambda build: None)}},
    {"inputs": {"start": Stage("base", {"n": 1}, lambda build: None)}},
], ids=lambda changes: "-".join(changes))  # fmt: skip
def test_every_ingredient_changes_the_key(changes):
    assert stage(**changes).key != stage().key


def test_label_order_and_tuples_do_not_change_the_key():
    assert stage(label="b", spec={"seed": 0, "lr": 0.1}).key == stage().key
    modules = ("suite.errors", "suite.method")
    assert stage(code=modules).key == stage(code=modules[::-1]).key
    assert stage(spec={"seeds": (0, 1)}).key == stage(spec={"seeds": [0, 1]}).key


def test_an_input_of_an_input_changes_the_key():
    def chain(n: int) -> Stage:
        base = Stage("base", {"n": n}, lambda build: None)
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
        Stage(kind, {}, lambda build: None)


SOURCE = '''"""A module."""
import os

def loss(x, y=0.5):
    """Square."""
    # comment
    return x ** 2 + y  # note

class A:
    """Class."""
    z: int = 1
    """Field."""
'''


@pytest.fixture
def digest_of(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def digest_of(source: str) -> str:
        (tmp_path / "some_plugin.py").write_text(source)
        code_digest.cache_clear()
        return code_digest("some_plugin")

    yield digest_of
    code_digest.cache_clear()


@pytest.mark.parametrize(("old", "new"), [
    ("# comment", "# another"),
    ('"""Square."""', '"""Cube."""'),
    ('    """Square."""\n', ""),
    ('"""A module."""', ""),
    ('"""Class."""', '"""New."""'),
    ('"""Field."""', '"""New."""'),
    ("x ** 2 + y", "((x**2) +\n      y)"),
    ("0.5", "5e-1"),
])  # fmt: skip
def test_what_computes_the_same_has_the_same_digest(digest_of, old, new):
    assert SOURCE.count(old) == 1
    assert digest_of(SOURCE.replace(old, new)) == digest_of(SOURCE)


@pytest.mark.parametrize(("old", "new"), [
    ("** 2", "** 3"),
    ("** 2", "** 2.0"),
    ("** 2", "* 2"),
    ("x ** 2 + y", "x ** (2 + y)"),
    ("y=0.5", "y=0.25"),
    ("y=0.5", "*, y=0.5"),
    ("y=0.5", "y='0.5'"),
    ("import os", "import os as o"),
    ("return x", "x"),
    ("z: int = 1", "z: int = True"),
    ("z: int = 1", "z: int"),
    ("class A", "class B"),
])  # fmt: skip
def test_what_may_compute_something_else_has_another_digest(digest_of, old, new):
    assert digest_of(SOURCE.replace(old, new, 1)) != digest_of(SOURCE)


def test_the_digest_of_a_source_is_the_same_on_every_python(digest_of):
    assert digest_of(SOURCE) == "4c1be395bc29b487d6bdb9495ae6dcf1c5f72114b80e2bf4183d587d4b55d89f"


def test_a_package_stands_for_its_modules(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "some_package" / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py", "inner/deep.py"):
        (tmp_path / "some_package" / name).write_text("a = 1")
    before = code_digest("some_package")
    (tmp_path / "some_package" / "inner" / "deep.py").write_text("a = 2")
    assert code_digest("some_package") == before, "taken once per process"
    code_digest.cache_clear()
    assert code_digest("some_package") != before


@pytest.mark.parametrize("module", ["no_such_module", "suite.no_such_module", "no.such", "sys"])
def test_code_without_a_source_is_refused(module):
    with pytest.raises(UserError, match=module):
        _ = stage(code=(module,)).key


def test_code_with_a_syntax_error_is_named(digest_of):
    with pytest.raises(UserError, match=r"some_plugin\.py"):
        digest_of("def (:")


def python(script: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_key_is_the_same_in_every_process():
    made = "Stage('train', {'b': 0.1, 'a': 1}, print, code=('suite.method',)).key"
    key = Stage("train", {"a": 1, "b": 0.1}, print, code=("suite.method",)).key
    for seed in ("1", "2"):
        assert python(f"from suite.store import Stage; print({made})", PYTHONHASHSEED=seed) == key


def test_the_store_is_light():
    heavy = "{'torch', 'numpy', 'pydantic'} & sys.modules.keys()"
    assert python(f"import sys, suite.store, suite.faults; print({heavy})") == "set()"


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
    store = Store(root)
    store.ensure(made)
    manifest = store.manifest(made)
    assert (manifest.kind, manifest.key, manifest.label) == ("train", made.key, "a")
    assert manifest.spec == {"lr": 0.1, "seed": 0}
    assert manifest.inputs == {"base": made.inputs["base"].key}
    assert manifest.input_contents == {"base": store.manifest(made.inputs["base"]).content}
    assert manifest.code == {"suite.method": code_digest("suite.method")}
    assert manifest.versions["python"].startswith("3.")
    assert manifest.timings["peak_rss_bytes"] > 5e6
    assert manifest.timings["wall_seconds"] >= 0
    assert manifest.timings["resumed"] is False
