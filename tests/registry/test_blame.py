"""Whose code raised: the plugin and the function of it that the host called."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from suite.registry.blame import explain, raised_by
from suite.registry.plugin import PluginInfo

ACME = PluginInfo("acme", "acme", "1.0", "acme_plugin")
OWN = PluginInfo("npo", "suite-compare", "0.1", "own_plugin")
SOURCE = """
def loss():
    helper()

def helper():
    raise ValueError("too\\nsmall")
"""


def raised(module: str, monkeypatch: pytest.MonkeyPatch) -> BaseException:
    made = ModuleType(module)
    monkeypatch.setitem(sys.modules, module, made)
    exec(compile(SOURCE, "acme.py", "exec"), made.__dict__)
    with pytest.raises(ValueError, match="small") as caught:
        made.loss()
    return caught.value


@pytest.mark.parametrize("module", ["acme_plugin", "acme_plugin.inner"])
def test_the_hook_of_a_plugin_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = raised(module, monkeypatch)
    assert raised_by(error, [OWN, ACME]) == "plugin 'acme' (acme 1.0): loss raised "


@pytest.mark.parametrize("module", ["own_plugin", "acme_plugins", "elsewhere"])
def test_the_host_and_others_are_not(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert raised_by(raised(module, monkeypatch), [OWN, ACME]) == ""


def test_one_line_says_what_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    said = explain(raised("acme_plugin", monkeypatch))
    assert said == "ValueError: too small (acme.py:6)"
