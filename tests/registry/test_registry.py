"""Plugins, found through real entry points: isolated, checked, refused by name, observed."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from suite import Method, UserError
from suite.registry import PluginInfo, PluginWarning, Registry
from suite.store import closure_digest
from tests.thirdparty.distributions import Site, benchmark, method


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def info_of(registry: Registry, distribution: str) -> PluginInfo:
    (info,) = (each for each in registry.plugins() if each.distribution == distribution)
    return info


def broken(site: Site, source: str) -> str:
    """Install a plugin with this source beside a sound one; return what is said about it."""
    site.add("sound", {"sound": method("sound_method")})
    site.add("faulty", {"faulty": source})
    registry = Registry.load()
    info = info_of(registry, "faulty")
    assert (info.status, info.provides) == ("broken", ())
    assert registry.method("sound_method").name == "sound_method"
    assert "\n" not in info.error
    with pytest.raises(
        UserError, match=r"^method 'faulty' is not available: .*\(faulty 1\.0\) is broken"
    ):
        registry.method("faulty")
    return info.error


def test_a_method_is_found_by_name_and_its_plugin_is_known(site: Site) -> None:
    (module,) = site.add("acme", {"acme_point": method("acme_method")}, "3.1")
    registry = Registry.load()
    cls = registry.method("acme_method")
    assert issubclass(cls, Method)
    info = registry.plugin_of(cls)
    assert (info.name, info.requirement, info.module) == ("acme_point", "acme==3.1", module)
    assert info.provides == ("method acme_method",)
    with pytest.raises(LookupError):
        registry.plugin_of(int)


def test_results_are_sorted_by_name_whatever_the_order_of_installation(site: Site) -> None:
    for name in ("zz_method", "aa_method", "mm_method"):
        site.add(f"dist-{name}", {f"point_{name}": method(name)})
    names = [cls.name for cls in Registry.load().methods()]
    assert names == sorted(names)
    assert {"aa_method", "mm_method", "zz_method"} <= set(names)
    points = [info.name for info in Registry.load().plugins()]
    assert points == sorted(points)


def test_an_unknown_name_gets_the_nearest_one(site: Site) -> None:
    site.add(
        "acme", {"acme": method("acme_method") + benchmark("acme_bench").replace("Mine", "Yours")}
    )
    registry = Registry.load()
    with pytest.raises(
        UserError, match=r"^unknown method 'acme_methd'; did you mean 'acme_method'\?$"
    ):
        registry.method("acme_methd")
    with pytest.raises(UserError, match="unknown benchmark 'acme_bnch'; did you mean 'acme_bench'"):
        registry.benchmark("acme_bnch")
    with pytest.raises(UserError, match="unknown engine 'nonesuch_engine'"):
        registry.engine("nonesuch_engine")


def test_an_unknown_name_points_to_broken_plugins_if_there_are_any(site: Site) -> None:
    site.add("faulty", {"faulty": "1 / 0"})
    with pytest.raises(UserError, match="some plugins are broken, see `suite plugins`"):
        Registry.load().method("perhaps_from_the_broken_one")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import not_a_module_at_all", "No module named 'not_a_module_at_all'"),
        ("def f(:", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("x = 1", "implements no hook; see docs/plugins.md"),
        ("def suite_methods(): return []", "implements no hook; mark suite_methods with @hookimpl"),
        (
            "from suite import hookimpl\n@hookimpl\ndef suite_method(): return []",
            "unknown hook 'suite_method'; did you mean 'suite_methods'?",
        ),
        (
            "from suite import hookimpl\n@hookimpl\ndef suite_methods(extra): return []",
            "Argument(s) {'extra'} are declared in the hookimpl but can not be found in the "
            "hookspec",
        ),
        (
            "from suite import hookimpl\n@hookimpl(wrapper=True)\ndef suite_methods(): return "
            "(yield)",
            "suite_methods is a wrapper",
        ),
        (
            "from suite import hookimpl\n@hookimpl\ndef suite_methods(): raise KeyError('k')",
            "KeyError: 'k'",
        ),
        (
            "from suite import hookimpl\n@hookimpl\ndef suite_methods(): yield 1 / 0",
            "ZeroDivisionError",
        ),
        (
            "from suite import hookimpl\n@hookimpl\ndef suite_methods(): return [3]",
            "3 is not a subclass of suite.M",
        ),
        ("from suite import hookimpl\n@hookimpl\ndef suite_methods(): return None", "TypeError"),
    ],
)
def test_a_broken_plugin_is_shown_and_harms_nothing(site: Site, source: str, said: str) -> None:
    assert said in broken(site, source)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'name = "m"',
            'name = "../../x"',
            "Mine.name is '../../x'; it must be a-z, then a-z, 0-9 or _",
        ),
        ('name = "m"', 'name = "m\\n"', "it must be a-z"),
        ('name = "m"', "", "Mine.name is None"),
        ('name = "m"', 'name = "train"', "which is a setting of the run"),
        (
            'family = "unlearning"',
            'family = "magic"',
            "must be one of unlearning, alignment, baseline",
        ),
        ('roles = frozenset({"forget"})', "", "Mine does not define roles"),
        (
            'roles = frozenset({"forget"})',
            'roles = "forget"',
            "Mine.roles must be a frozenset of names, not 'forget'",
        ),
        ("def loss(", "def los(", "Mine does not define loss"),
        ("Config = Settings", "Config = dict", "Mine.Config must be a dataclass"),
        ("strength: float = 1.0", "strength: float", "Mine.Config.strength needs a default"),
        (
            "cap: Annotated[float | None, Ge(0)] = 2.0",
            "cap: float",
            "non-default argument 'cap' follows",
        ),
        (
            "strength: float = 1.0",
            "strength: 'Flaot' = 1.0",
            "NameError: name 'Flaot' is not defined",
        ),
        ("strength: float = 1.0", "lr: float = 1.0", "Mine.Config.lr hides the training setting"),
        (
            '"lr": 3e-4',
            '"learning_rate": 3e-4',
            "unknown setting in Mine.train_defaults 'learning_rate'",
        ),
    ],
)
def test_a_method_that_cannot_serve_says_what_is_missing(
    site: Site, old: str, new: str, said: str
) -> None:
    source = method("m")
    assert old in source
    assert said in broken(site, source.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'primary = ("score",)',
            'primary = frozenset({"score"})',
            "Mine.primary must be a tuple of names",
        ),
        ('primary = ("score",)', "primary = ()", "Mine.primary is empty"),
        ('primary = ("score",)', "", "Mine does not define primary"),
        ('primary = ("score",)', 'primary = ("score", "score")', "Mine.primary has 'score' twice"),
        (
            'primary = ("score",)',
            'primary = ("score",)\n        smallest_difference = {"scor": 0.1}',
            "unknown headline metric in Mine.smallest_difference 'scor'; did you mean 'score'?",
        ),
        (
            'primary = ("score",)',
            'primary = ("score",)\n        default_splits = ("defualt",)',
            "unknown split in Mine.default_splits 'defualt'; did you mean 'default'?",
        ),
        ("def requests(", "def request(", "Mine does not define requests"),
        ("def load(", "splits = ()\n        def load(", "Mine.splits is empty"),
    ],
)
def test_a_benchmark_that_cannot_serve_says_what_is_missing(
    site: Site, old: str, new: str, said: str
) -> None:
    source = benchmark("m")
    assert old in source
    assert said in broken(site, source.replace(old, new))


def test_an_error_names_the_line_of_the_plugin_and_never_one_of_the_host(site: Site) -> None:
    site.add("one", {"one": "x = 1\ny = 1 / 0"})
    site.add("two", {"two": method("m").replace("def loss(", "def los(")})
    registry = Registry.load()
    assert info_of(registry, "one").error.endswith(".py:2)")
    assert "registry" not in info_of(registry, "two").error


def test_two_distributions_with_one_entry_point_name_are_both_refused(site: Site) -> None:
    site.add("acme-one", {"shared": method("from_one")}, "1.0")
    site.add("acme-two", {"shared": method("from_two"), "alone": method("from_three")}, "2.0")
    registry = Registry.load()
    assert registry.method("from_three").name == "from_three"
    refused = [info for info in registry.plugins() if info.name == "shared"]
    assert [(info.distribution, info.status) for info in refused] == [
        ("acme-one", "refused"),
        ("acme-two", "refused"),
    ]
    assert all("acme-one 1.0 and acme-two 2.0" in info.error for info in refused)
    with pytest.raises(UserError, match="unknown method 'from_one'"):
        registry.method("from_one")
    with pytest.raises(
        UserError, match=r"'shared' is not available.*acme-one 1\.0 and acme-two 2\.0"
    ):
        registry.method("shared")
    assert {
        info.status for info in Registry.load(block=["shared"]).plugins() if info.name == "shared"
    } == {"blocked"}


@pytest.mark.parametrize("second", [method("shared_name"), benchmark("shared_name")])
def test_a_name_that_two_plugins_offer_is_given_to_neither(site: Site, second: str) -> None:
    site.add("acme-one", {"one": method("shared_name")})
    site.add("acme-two", {"two": second, "three": method("innocent")})
    registry = Registry.load()
    with pytest.raises(
        UserError, match=r"plugin 'one' \(acme-one 1\.0\) and plugin 'two' \(acme-two 1\.0\)"
    ):
        registry.method("shared_name")
    assert "shared_name" not in [cls.name for cls in registry.methods()]
    assert registry.method("innocent").name == "innocent"
    assert [info.status for info in registry.plugins() if info.name in ("one", "two", "three")] == [
        "refused",
        "ok",
        "refused",
    ]
    assert Registry.load(block=["two"]).method("shared_name").name == "shared_name"


@pytest.mark.parametrize(
    "name", ["../../x", "acme/../x", "acme-x", "acme.x", "Acme", "2acme", "_acme"]
)
def test_an_entry_point_with_a_bad_name_is_never_imported(site: Site, name: str) -> None:
    site.add("evil", {name: "raise SystemExit('imported')"})
    info = info_of(Registry.load(), "evil")
    assert (info.status, info.module in sys.modules) == ("refused", False)
    assert repr(name) in info.error


def test_a_blocked_plugin_is_not_imported(site: Site) -> None:
    (module,) = site.add("acme", {"acme_blocked": method("acme_method")})
    registry = Registry.load(block=["acme_blocked"])
    assert info_of(registry, "acme").status == "blocked"
    assert module not in sys.modules
    with pytest.raises(UserError, match="'acme_blocked' is not available: .* is blocked$"):
        registry.method("acme_blocked")
    with pytest.raises(
        UserError, match="unknown plugin to block 'acme_blockd'; did you mean 'acme_blocked'"
    ):
        Registry.load(block=["acme_blockd"])


OBSERVER = """
    from suite import hookimpl

    seen = []

    @hookimpl
    def suite_cell_finished(cell):
        seen.append(cell)
        FAIL
"""


def test_observers_are_told_in_turn_and_one_that_raises_is_reported_once(site: Site) -> None:
    bad, good = OBSERVER.replace("FAIL", "raise OSError('disk')"), OBSERVER.replace("FAIL", "")
    modules = site.add("acme", {"a_bad": bad, "b_good": good})
    registry = Registry.load()
    with pytest.warns(
        PluginWarning,
        match=r"^plugin 'a_bad' \(acme 1\.0\): suite_cell_finished raised OSError: disk",
    ):
        registry.notify("suite_cell_finished", cell="c1", result="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.notify("suite_cell_finished", cell="c2", result="r")
    assert [sys.modules[module].seen for module in modules] == [["c1", "c2"]] * 2


def test_an_observer_without_failures_warns_of_nothing(site: Site) -> None:
    site.add("acme", {"b_good": OBSERVER.replace("FAIL", "")})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Registry.load(built_in=False).notify("suite_cell_finished", cell="c1", result="r")


COMMAND = """
    import click
    from suite import hookimpl

    @hookimpl
    def suite_commands(cli):
        @cli.command()
        def NAME():
            pass
"""


def test_commands_of_plugins_must_not_take_a_name_in_use(site: Site) -> None:
    for point, name in (("a", "mine"), ("b", "mine"), ("c", "run"), ("d", "other")):
        site.add(f"dist-{point}", {f"tools_{point}": COMMAND.replace("NAME", name)})
    registry = Registry.load()
    commands = registry.commands(taken=["run"])
    assert {"mine", "other"} <= set(commands)
    assert "run" not in commands
    status = {info.name[-1]: info for info in registry.plugins() if info.name.startswith("tools_")}
    assert [status[point].status for point in "abcd"] == ["ok", "broken", "broken", "ok"]
    assert (
        "'mine' is declared by both plugin 'tools_a' (dist-a 1.0) and plugin 'tools_b'"
        in status["b"].error
    )
    assert "'run' is declared by both suite itself and" in status["c"].error
    assert status["d"].provides == ("command other",)


def test_a_plugin_whose_command_fails_offers_nothing_any_more(site: Site) -> None:
    site.add(
        "acme",
        {
            "acme": method("acme_method")
            + "\n    @hookimpl\n    def suite_commands(cli):\n        1 / 0\n"
        },
    )
    registry = Registry.load()
    assert registry.method("acme_method").name == "acme_method"
    assert registry.commands(taken=()) == {}
    assert (info_of(registry, "acme").status, info_of(registry, "acme").provides) == ("broken", ())
    with pytest.raises(UserError, match="unknown method 'acme_method'"):
        registry.method("acme_method")


def test_the_source_of_a_method_includes_its_base_classes(site: Site) -> None:
    (base,) = site.add("acme-base", {"base": method("base_method")})
    derived = (
        f"import {base}\n"
        + """
from suite import hookimpl

class Derived(MODULE.Mine):
    name = "derived_method"

@hookimpl
def suite_methods():
    return [Derived]
""".replace("MODULE", base)
    )
    (own,) = site.add("acme-derived", {"derived": derived})
    registry = Registry.load()
    cls = registry.method("derived_method")
    assert registry.source_digest(cls) == closure_digest([base, own])
    assert registry.source_digest(cls) != closure_digest([own])
