"""`Registry`, the host's view of all plugins."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint
from typing import Any, Literal, cast

import click
import pluggy

from suite import hookspecs
from suite.api.attack import Attack
from suite.api.benchmark import Benchmark
from suite.api.engine import Engine
from suite.api.executor import Executor
from suite.api.finished import FinishedModel
from suite.api.judge import Judge
from suite.api.method import Method
from suite.api.stages import StageKind
from suite.core.errors import SuiteWarning, UserError, unknown
from suite.registry.blame import explain, raised_by
from suite.registry.calling import call, guarded, listed, methods_of, observe
from suite.registry.checks import CHECKS, SECTIONS, hooks_of
from suite.registry.offers import CONFIGURED, Offers, duplicate
from suite.registry.plugin import DISTRIBUTION, PluginInfo, discover
from suite.registry.single import PluginFile, plugin_files
from suite.store import closure_digest

HOOKS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("suite_")}


class PluginWarning(SuiteWarning):
    """A plugin failed where the run can go on without it."""


class Registry:
    """Everything that plugins offer. Make one with `Registry.load`."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("suite")
        self._manager.add_hookspecs(hookspecs)
        self._plugins: list[PluginInfo] = []
        self._offers = Offers()
        self._blocked: list[EntryPoint] = []
        """The host's own plugins among those blocked: the host itself still trains start models
        with them."""
        self._reported: set[tuple[str, str]] = set()

    @classmethod
    def load(
        cls, block: Iterable[str] = (), *, built_in: bool = True, files: Sequence[str] = ()
    ) -> Registry:
        """Import every plugin except those in `block`. UserError: nothing to block.

        `block`: names of entry points. `built_in`: whether those of the host's own distribution are
        imported too. `files`: plugins in single files, see `suite.registry.single`; one that cannot
        be used is a UserError, since it was asked for.
        """
        registry = cls()
        for info, point in discover(tuple(block)):
            if not built_in and info.distribution == DISTRIBUTION:
                continue
            registry._plugins.append(info)
            if info.status == "ok" or (info.status == "refused" and info.renamed):
                registry._add(info, point)
            elif info.status == "blocked" and info.distribution == DISTRIBUTION:
                registry._blocked.append(point)
        single = list(plugin_files(files))
        there = {info.name: info for info in registry._plugins}
        for info, file in single:
            if info.name in there:
                raise UserError(
                    f"--plugin-file {file.path}: there is a {there[info.name]} already; "
                    "rename the file"
                )
            registry._plugins.append(info)
            registry._add(info, file)
        registry._offers.keep_own(DISTRIBUTION)
        registry._offers.refuse_duplicates()
        for info, file in single:
            if info.status != "ok":
                raise UserError(f"--plugin-file {file.path} is {info.status}: {info.error}")
        return registry

    def method(self, name: str) -> type[Method[Any]]:
        """Return the method of that name.

        UserError: the nearest name, or what is wrong with the plugin of that name.
        """
        return cast("type[Method[Any]]", self._get("method", name))

    def serving(self, role: Literal["start", "reward"]) -> type[Method[Any]]:
        """Return the host's own method that makes start models or reward models; a blocked plugin
        serves too."""
        for cls in self._own_methods():
            if cls.serves == role:
                return cls
        raise LookupError(f"{DISTRIBUTION} has no method that serves as {role!r}")

    def _own_methods(self) -> Iterator[type[Method[Any]]]:
        """The host's own methods; blocked plugins are imported last, and only if reached."""
        for cls in self.methods():
            if self.plugin_of(cls).distribution == DISTRIBUTION:
                yield cls
        for point in self._blocked:
            yield from methods_of(point.load())

    def method_of_stage(self, name: str) -> type[Method[Any]]:
        """Return the method that a stage names: one that serves the host is there even if its
        plugin is blocked."""
        serving = (self.serving("start"), self.serving("reward"))
        return next((cls for cls in serving if cls.name == name), None) or self.method(name)

    def benchmark(self, name: str) -> type[Benchmark[Any]]:
        """Return the benchmark of that name. UserError as for `method`."""
        return cast("type[Benchmark[Any]]", self._get("benchmark", name))

    def engine(self, name: str) -> type[Engine]:
        """Return the engine of that name. UserError as for `method`."""
        return cast("type[Engine]", self._get("engine", name))

    def executor(self, name: str) -> type[Executor]:
        """Return the executor of that name. UserError as for `method`."""
        return cast("type[Executor]", self._get("executor", name))

    def judge(self, name: str) -> type[Judge[Any]]:
        """Return the judge of that name. UserError as for `method`."""
        return cast("type[Judge[Any]]", self._get("judge", name))

    def attack(self, name: str) -> type[Attack[Any]]:
        """Return the attack of that name. UserError as for `method`."""
        return cast("type[Attack[Any]]", self._get("attack", name))

    def methods(self) -> list[type[Method[Any]]]:
        """All methods, by name."""
        return self._offers.all("method")

    def benchmarks(self) -> list[type[Benchmark[Any]]]:
        """All benchmarks, by name."""
        return self._offers.all("benchmark")

    def engines(self) -> list[type[Engine]]:
        """All engines, by name."""
        return self._offers.all("engine")

    def executors(self) -> list[type[Executor]]:
        """All executors, by name."""
        return self._offers.all("executor")

    def judges(self) -> list[type[Judge[Any]]]:
        """All judges, by name."""
        return self._offers.all("judge")

    def attacks(self) -> list[type[Attack[Any]]]:
        """All attacks, by name."""
        return self._offers.all("attack")

    def stage_kinds(self) -> list[StageKind]:
        """All kinds of stages that plugins compute, by name."""
        return self._offers.all("stage")

    def configured(self) -> dict[str, Any]:
        """Section of a configuration file -> class with settings.

        Methods, benchmarks and engines have the section of their name, judges `judge_NAME`, attacks
        `attack_NAME`. Those that are asked for with their distribution (`npo@acme`) are there too.
        Finished models have none: a section cannot say which of them it means.
        """
        sections: dict[str, Any] = {}
        for kind in (*CONFIGURED, *SECTIONS):
            for cls in (*self._offers.all(kind), *self._offers.renamed(kind)):
                if not issubclass(cls, FinishedModel):
                    sections[f"{SECTIONS.get(kind, '')}{cls.name}"] = cls
        return sections

    def plugins(self) -> list[PluginInfo]:
        """All plugins, by name; broken, blocked and refused ones included."""
        return list(self._plugins)

    def plugin_of(self, cls: object) -> PluginInfo:
        """Return the plugin that offers `cls`. LookupError if none does."""
        info = self._offers.owner(cls)
        if info is None:
            raise LookupError(f"no plugin offers {cls!r}")
        return info

    def name_plugin(self, cls: type) -> str:
        """Say which plugin offers `cls`, as the beginning of a message; "" where it is blocked."""
        info = self._offers.owner(cls)
        return f"{info}: " if info else ""

    def blame(self, error: BaseException) -> str:
        """Say whose code raised, as the beginning of a message; "" where only the host's did."""
        return raised_by(error, self._plugins)

    def source_digest(self, cls: type, also: Iterable[str] = ()) -> str:
        """Digest of the code of `cls`: modules of it and of its bases, and all that they import.

        It is part of the key of whatever `cls` computes. `also`: further modules.
        """
        bases = {base.__module__ for base in cls.__mro__} - {"abc", "builtins", "typing"}
        return closure_digest({*bases, *also})

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call every observer of `hook`.

        One that raises is reported once, as a warning; nothing else.
        """
        for info, implementation in self._implementations(hook):
            try:
                observe(implementation, arguments)
            except (Exception, SystemExit) as error:
                if (info.name, hook) in self._reported:  # a hook may be called at every step
                    continue
                self._reported.add((info.name, hook))
                problem = f"{info}: {hook} raised {explain(error)}"
                warnings.warn(problem, PluginWarning, stacklevel=2)

    def commands(self, taken: Iterable[str]) -> dict[str, click.Command]:
        """Collect the commands of plugins. A plugin that fails, or takes a used name, is broken."""
        owners = dict.fromkeys(taken, "suite itself")
        commands: dict[str, click.Command] = {}
        for info, implementation in self._implementations("suite_commands"):
            own = click.Group("suite")  # its own, so that a broken plugin adds no command
            try:
                call(implementation, {"cli": own})
                for name in own.commands.keys() & owners.keys():
                    raise UserError(
                        f"command {name!r} is declared by both {owners[name]} and {info}"
                    )
            except (Exception, SystemExit) as error:
                self._break(info, error)
                continue
            commands |= own.commands
            owners |= dict.fromkeys(own.commands, str(info))
            info.provides += tuple(f"command {name}" for name in sorted(own.commands))
        return commands

    def _add(self, info: PluginInfo, point: EntryPoint | PluginFile) -> None:
        """Import one plugin and take in what it offers; if anything goes wrong, it is broken."""
        offers: list[tuple[str, Any]] = []
        try:
            with guarded(info):
                self._manager.register(hooks_of(point.load(), HOOKS), info.name)
                for kind in CHECKS:
                    offers += [(kind, cls) for cls in self._declared(info, kind)]
        except (Exception, SystemExit) as error:  # a module may even call sys.exit on import
            self._break(info, error)
            return
        for kind, cls in offers:
            self._offers.add(kind, cls, info)

    def _declared(self, info: PluginInfo, kind: str) -> list[Any]:
        """Ask one plugin for its classes of one kind, and check them."""
        hook, check = CHECKS[kind]
        classes: list[Any] = []
        for owner, implementation in self._implementations(hook):
            if owner is info:
                classes += listed(info, hook, call(implementation, {}))
        for cls in classes:
            check(cls)
        return classes

    def _break(self, info: PluginInfo, error: BaseException) -> None:
        """Mark a plugin broken and forget everything it has registered."""
        if self._manager.has_plugin(info.name):
            self._manager.unregister(name=info.name)
        self._offers.drop(info)
        info.status, info.error = "broken", explain(error)

    def _implementations(self, hook: str) -> list[tuple[PluginInfo, Any]]:
        """Pair the implementations of a hook with their plugins, in the order of names."""
        caller = getattr(self._manager.hook, hook)
        found = {each.plugin_name: each for each in caller.get_hookimpls()}
        pairs: list[tuple[PluginInfo, Any]] = []
        for info in self._plugins:
            # Of a refused plugin only the contested name is refused; the rest of it works.
            if info.status in ("ok", "refused") and info.name in found:
                pairs.append((info, found[info.name]))
        return pairs

    def _get(self, kind: str, name: str) -> Any:
        if cls := self._offers.get(kind, name):
            return cls
        rivals = self._offers.rivals(kind, name)
        if len(rivals) > 1:
            raise UserError(f"{kind} {name!r} is refused: {duplicate(name, rivals)}")
        for info in self._plugins:
            if info.name == name and info.status != "ok":
                reason = f": {info.error}" if info.error else ""
                raise UserError(
                    f"{kind} {name!r} is not available: {info} is {info.status}{reason}"
                )
        known = [cls.name for cls in (*self._offers.all(kind), *self._offers.renamed(kind))]
        problem = str(unknown(kind, name, known))
        if any(info.status == "broken" for info in self._plugins):  # it may offer what is missing
            problem += "; some plugins are broken, see `suite plugins`"
        raise UserError(problem)
