"""The code in a key: which modules are in it, and what of them counts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from suite.core.errors import UserError
from suite.store import Stage, closure_digest
from suite.store.closure import closure, forget

Write = Callable[[str, str], None]

SOURCE = '''"""A module."""
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import json

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
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write modules of packages that Python finds; what was read before is forgotten."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        forget()

    yield write
    for module in [m for m in sys.modules if m.partition(".")[0] in ("acme", "some_plugin")]:
        del sys.modules[module]
    forget()


@pytest.fixture
def digest_of(write: Write) -> Callable[[str], str]:
    def digest_of(source: str) -> str:
        write("some_plugin.py", source)
        return closure("some_plugin")["some_plugin"]

    return digest_of


@pytest.mark.parametrize(("old", "new"), [
    ("# comment", "# another"),
    ('"""Square."""', '"""Cube."""'),
    ('    """Square."""\n', ""),
    ('"""A module."""', ""),
    ('"""Class."""', '"""New."""'),
    ('"""Field."""', '"""New."""'),
    ("x ** 2 + y", "((x**2) +\n      y)"),
    ("0.5", "5e-1"),
    ("import os\n", "import os.path as o\n"),
    ("import json", "from collections import abc"),
    ("class A", "__all__ = ['A']\n\nclass A"),
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
    ("return x", "x"),
    ("z: int = 1", "z: int = True"),
    ("z: int = 1", "z: int"),
    ("class A", "class B"),
    ("if TYPE_CHECKING", "if True"),
])  # fmt: skip
def test_what_may_compute_something_else_has_another_digest(digest_of, old, new):
    assert digest_of(SOURCE.replace(old, new, 1)) != digest_of(SOURCE)


def test_the_digest_of_a_source_is_the_same_on_every_python(digest_of):
    assert digest_of(SOURCE).startswith(DIGEST)


DIGEST = "19c09f7f84186f37"


def test_imports_are_followed_within_the_package_wherever_they_stand(write):
    write("acme/__init__.py", "")
    write("acme/method.py", "import json\nfrom .sub import deep\nfrom acme import helper\nm = 1\n")
    write("acme/helper.py", "def f():\n    from .late import x\n    return x\n")
    write("acme/late.py", "x = 1\n")
    write("acme/unrelated.py", "y = 1\n")
    write("acme/sub/__init__.py", "")
    write("acme/sub/deep.py", "from ..shared import z\nd = 1\n")
    write("acme/shared.py", "z = 1\n")
    names = ["helper", "late", "method", "shared", "sub.deep"]
    assert sorted(closure("acme.method")) == [f"acme.{name}" for name in names]


def test_a_package_that_hands_out_names_leads_to_where_they_come_from(write):
    write("acme/__init__.py", "from acme.a import one\nfrom acme.b import two\n__all__ = ['one']\n")
    write("acme/a.py", "one = 1\n")
    write("acme/b.py", "two = 2\n")
    write("acme/user.py", "from acme import one\nu = one\n")
    assert sorted(closure("acme.user")) == ["acme.a", "acme.user"]
    write("acme/user.py", "import acme\nu = acme.two\n")
    assert sorted(closure("acme.user")) == ["acme.a", "acme.b", "acme.user"]
    write("acme/user.py", "from acme import *\nu = two\n")
    assert sorted(closure("acme.user")) == ["acme.a", "acme.b", "acme.user"]


def test_names_that_are_imported_when_they_are_asked_for_lead_there_too(write):
    guarded = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from acme.a import one\n"
        "    from acme.b import two\n\ndef __getattr__(name):\n    return name\n"
    )
    write("acme/__init__.py", guarded)
    write("acme/a.py", "one = 1\n")
    write("acme/b.py", "two = 2\n")
    write("acme/user.py", "from acme import one\nu = one\n")
    assert sorted(closure("acme.user")) == ["acme", "acme.a", "acme.user"]


def test_a_plugins_base_class_is_in_its_key_though_suite_imports_it_late(write):
    write("some_plugin.py", "from suite import Method\nm = Method\n")
    assert "suite.api.method" in closure("some_plugin")


def test_what_a_packages_own_code_uses_counts_for_everybody(write):
    source = "from acme.a import one\nfrom acme.b import two\nthree = one + 2\n"
    write("acme/__init__.py", source)
    write("acme/a.py", "one = 1\n")
    write("acme/b.py", "two = 2\n")
    write("acme/user.py", "from acme.b import two\n\nu = two\n")
    assert sorted(closure("acme.user")) == ["acme", "acme.a", "acme.b", "acme.user"]


def test_imports_for_types_alone_do_not_count(write):
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from acme.a import one\n"
    write("acme/__init__.py", "")
    write("acme/a.py", "one = 1\n")
    write("acme/user.py", f"{guarded}u = 1\n")
    assert sorted(closure("acme.user")) == ["acme.user"]


def test_a_plugin_reaches_into_the_host(write):
    write("some_plugin.py", "from suite.train.rollouts import collect\np = collect\n")
    reached = closure("some_plugin")
    assert {
        "suite.train.rollouts",
        "suite.engines.hf.scoring",
        "suite.engines.hf.sharing",
    } <= reached.keys()


def test_a_module_that_moves_keeps_the_digest(write):
    for name in ("before", "after"):
        write(f"acme/{name}/__init__.py", "")
        write(f"acme/{name}/loss.py", "def f():\n    return 1\n")
        write(f"acme/{name}/method.py", f"from acme.{name}.loss import f\n\ng = f\n")
    write("acme/__init__.py", "")
    assert closure_digest(["acme.before.method"]) == closure_digest(["acme.after.method"])
    write("acme/after/loss.py", "def f():\n    return 2\n")
    assert closure_digest(["acme.before.method"]) != closure_digest(["acme.after.method"])


def test_it_is_read_once_per_process(write, tmp_path):
    write("some_plugin.py", "a = 1\n")
    before = closure_digest(["some_plugin"])
    (tmp_path / "some_plugin.py").write_text("a = 2\n")
    assert closure_digest(["some_plugin"]) == before
    forget()
    assert closure_digest(["some_plugin"]) != before


@pytest.mark.parametrize("module", ["no_such_module", "suite.no_such_module", "no.such", "sys"])
def test_code_without_a_source_is_refused(module):
    with pytest.raises(UserError, match=module):
        _ = Stage("train", {}, code=(module,)).key


def test_code_with_a_syntax_error_is_named(digest_of):
    with pytest.raises(UserError, match=r"some_plugin\.py"):
        digest_of("def (:")


def test_the_stage_of_a_script_counts_the_script(tmp_path):
    script = tmp_path / "script.py"
    keys = []
    for value in (1, 1, 2):
        script.write_text(
            "from suite.store import Stage\n"
            f"def build(build):\n    return {value}\n"
            "print(Stage('base', {}, code=(build.__module__,)).key)\n"
        )
        command = [sys.executable, str(script)]
        root = {"PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(command, env=root, capture_output=True, text=True, check=True)
        keys.append(done.stdout)
    assert keys[0] == keys[1] != keys[2]
