"""Plugins that print, hang, change what they are shown, or take the name of a built-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from suite import UserError
from suite.cli import main
from suite.config import method_settings, resolve
from suite.registry import PluginWarning, Registry, calling
from suite.registry.limits import within
from suite.settings import RunConfig
from tests.thirdparty.distributions import Site, benchmark, engine, method


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def error_of(found: Registry, distribution: str) -> tuple[str, str]:
    (info,) = (each for each in found.plugins() if each.distribution == distribution)
    return info.status, info.error


@pytest.mark.parametrize("given", ["Mine", "None", "'Mine'"])
def test_a_hook_that_returns_no_list_is_named(site: Site, given: str) -> None:
    site.add("acme", {"acme": method("m").replace("return [Mine]", f"return {given}")})
    status, error = error_of(Registry.load(), "acme")
    assert status == "broken"
    assert "plugin 'acme' (acme 1.0): suite_methods must return a list, such as [Mine]" in error


def test_what_a_plugin_prints_is_not_in_the_json(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add("acme", {"acme": "print('hello')\n" + method("acme_m").replace("\n    ", "\n")})
    assert main(["list", "--json"]) == 0
    printed = capsys.readouterr()
    assert "acme_m" in {row["name"] for row in json.loads(printed.out)["methods"]}
    assert "hello" in printed.err


def test_a_plugin_that_hangs_is_broken(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("acme", {"zz_acme": "import time\ntime.sleep(60)"})
    monkeypatch.setattr(calling, "LOADING_SECONDS", 2.0)
    status, error = error_of(Registry.load(built_in=False), "acme")
    assert (status, "took longer than 2 s to load" in error) == ("broken", True)


HANGS_IN_C = """
import ctypes
mutex = (ctypes.c_char * 64)()
for _ in range(2):
    ctypes.CDLL(None).pthread_mutex_lock(mutex)
"""
LOADS = """
from suite.registry import PluginWarning, Registry, calling, limits
calling.LOADING_SECONDS, limits.GRACE = 0.5, 0.5
Registry.load(built_in=False)
"""


def test_a_plugin_that_hangs_in_c_ends_the_process_in_one_line(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("acme", {"zz_acme": HANGS_IN_C})
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site.folder), *sys.path]))
    ended = subprocess.run(
        [sys.executable, "-c", LOADS], capture_output=True, text=True, timeout=60, check=False
    )
    said = "suite: error: plugin 'zz_acme' (acme 1.0), which `--block zz_acme` leaves out, hangs"
    assert (ended.returncode, said in ended.stderr) == (1, True)


def test_a_limit_leaves_no_alarm_behind() -> None:
    import signal

    with within(5.0, "a test"):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_observer_cannot_change_the_settings(site: Site) -> None:
    source = """
        from suite import hookimpl

        @hookimpl
        def suite_run_started(config, report_dir):
            object.__setattr__(config, "out", "elsewhere")
    """
    site.add("acme", {"acme": source})
    config = replace(RunConfig(), out="here")
    before = repr(config)
    Registry.load(built_in=False).notify("suite_run_started", config=config, report_dir=Path())
    assert repr(config) == before


def test_an_observer_cannot_move_the_report(site: Site) -> None:
    source = """
        import os
        from suite import hookimpl

        @hookimpl
        def suite_run_started(config, report_dir):
            os.chdir("/")
    """
    site.add("acme", {"acme": source})
    here = os.getcwd()
    found = Registry.load(built_in=False)
    with pytest.warns(PluginWarning, match="it changed the working directory, which is put back"):
        found.notify("suite_run_started", config=RunConfig(), report_dir=Path())
    assert os.getcwd() == here


@pytest.mark.parametrize(("point", "source"), [("npo", method("other")), ("acme", method("npo"))])
def test_the_built_in_keeps_its_name(site: Site, point: str, source: str) -> None:
    site.add("acme", {point: source})
    found = Registry.load()
    cls = found.method("npo")
    assert found.plugin_of(cls).distribution == "suite-compare"
    status, error = error_of(found, "acme")
    assert (status, "'npo' is built in" in error) == ("refused", True)


def test_one_with_a_built_ins_name_is_chosen_by_its_distribution(site: Site) -> None:
    site.add("acme-tools", {"npo": method("npo") + "\n\n" + engine_of_tests()})
    found = Registry.load()
    cls = found.method("npo@acme-tools")
    assert (cls.name, cls.__doc__) == ("npo@acme-tools", "A method of a test.")
    assert found.plugin_of(cls).name == "npo@acme-tools"
    assert found.source_digest(cls) != found.source_digest(found.method("npo"))
    assert "npo@acme-tools" not in {each.name for each in found.methods()}
    sets = ["npo@acme-tools.strength=0.5", "npo.beta=0.2", "hf@acme-tools.concurrency=2"]
    config = resolve(
        found, None, {"methods": "npo,npo@acme-tools:cap=3,family:unlearning"}, sets, {}
    )
    assert config.methods[:2] == ("npo", "npo@acme-tools:cap=3")
    assert "npo@acme-tools" not in config.methods
    own, _ = method_settings(config, found, "npo@acme-tools:cap=3", "tofu", "forget10")
    assert (own.strength, own.cap) == (0.5, 3.0)
    assert method_settings(config, found, "npo", "tofu", "forget10")[0].beta == 0.2
    assert found.engine("hf@acme-tools").name == "hf@acme-tools"
    with pytest.raises(UserError, match="unknown method 'npo@acme_tools'; did you mean"):
        found.method("npo@acme_tools")


def engine_of_tests() -> str:
    return engine("hf").replace("Settings", "EngineSettings").replace("Mine", "Engine_")


def test_of_two_with_one_name_each_is_chosen_by_its_distribution(site: Site) -> None:
    site.add("acme", {"acme": method("mine")})
    site.add("other", {"other": method("mine")})
    found = Registry.load(built_in=False)
    assert found.methods() == []
    for name in ("acme", "other"):
        assert found.plugin_of(found.method(f"mine@{name}")).distribution == name


def test_a_benchmark_cannot_take_the_name_of_a_built_in_method(site: Site) -> None:
    site.add("acme", {"acme": benchmark("npo")})
    found = Registry.load()
    assert found.method("npo").name == "npo"
    with pytest.raises(UserError, match="unknown benchmark 'npo'"):
        found.benchmark("npo")
