"""Which code decides a result: a module and whatever it imports, by content.

    closure("suite.model.kl")  ->  {"suite.model.kl": "5c1…", "suite.model.logprobs": "07a…", ...}

The digests enter keys, the names do not: a module that moves keeps its digest, and import lines are
no part of it. Imports are followed inside functions too, within the module's own top-level package
and within the host's packages. Imports under `if TYPE_CHECKING` compute nothing and are not
followed, unless the module hands out those names when they are first asked for (`__getattr__`).

`from package import name` leads to where the package's `__init__` has that name from. So a package
which hands out many names does not make everything depend on everything.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from suite.core.errors import UserError
from suite.store.canonical import digest
from suite.store.digests import meaning, text_digest

HOST = ("suite", "suite_plugins", "suite_benchmarks")
"""Top-level packages of the host; imports of them are followed from everywhere."""


@dataclass(frozen=True)
class Import:
    """One imported name."""

    module: str
    name: str | None
    """None: the module itself was imported, so any of its names may be used."""
    bound: str
    """What the importing file calls it."""


@dataclass(frozen=True)
class Source:
    """What is read from one file."""

    digest: str
    """Of everything but imports, docstrings and comments."""
    empty: bool
    """Whether nothing is left without these."""
    imports: tuple[Import, ...] = ()
    used: frozenset[str] = frozenset()
    """Names that its own code mentions."""


def closure_digest(modules: Iterable[str]) -> str:
    """SHA-256, in hex, of the contents of all modules that these can reach, themselves included."""
    return digest(sorted(set(contents(modules).values())))


def contents(modules: Iterable[str]) -> dict[str, str]:
    """Module -> digest of its content, of all modules that these can reach, themselves included."""
    found: dict[str, str] = {}
    for module in modules:
        found |= closure(module)
    return found


@cache
def closure(module: str) -> dict[str, str]:
    """Module -> digest of its content, of all that `module` can reach, itself included.

    Files are parsed, nothing is imported. Each is read once per process: the stages of a run must
    agree on what they are made of, even if somebody edits a file meanwhile. UserError: the module
    has no file, or a file is not valid Python.
    """
    if find(module) is None:
        raise UserError(
            f"there is no source of module {module!r}, so what it computes cannot be stored "
            "under a key"
        )
    tops = {module.partition(".")[0], *HOST}
    found: dict[str, str] = {}
    seen: set[tuple[str, str | None]] = set()
    waiting: list[tuple[str, str | None]] = [(module, None)]  # module, which name of it
    while waiting:
        wanted = waiting.pop()
        if wanted in seen or wanted[0].partition(".")[0] not in tops:
            continue
        seen.add(wanted)
        name, requested = wanted
        path = find(name)
        if path is None:
            continue
        source = read(path, name if path.name == "__init__.py" else name.rpartition(".")[0])
        if not source.empty:
            found[name] = source.digest
        waiting += followed(name, path, source, requested)
    return found


def followed(
    name: str, path: Path, source: Source, requested: str | None
) -> Iterator[tuple[str, str | None]]:
    """Yield (module, requested name) of what a module leads to.

    `requested`: the one name that is wanted of it; None: any of them, "": none.
    """
    parent = name.rpartition(".")[0]
    if parent:
        yield parent, ""  # importing a.b runs a/__init__.py, but uses none of its names
    is_package = path.name == "__init__.py"
    # `from package import module`: the name is a module of the package, not a name in its code.
    if is_package and requested and find(f"{name}.{requested}") is not None:
        yield f"{name}.{requested}", None
        return
    for each in source.imports:
        wanted = requested is None or each.bound == requested or each.bound == "*"
        # Of a package, only what gives the requested name or what its own code uses; of a module,
        # every import: any of its functions may be called.
        if not is_package or wanted or each.bound in source.used:
            yield each.module, each.name


@cache
def find(module: str) -> Path | None:
    """The file of a module; None for what has none: a function, a module that is built in."""
    try:
        spec = _spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:  # the script that Python runs
        file = getattr(sys.modules.get(module), "__file__", None)
        return Path(file) if file else None
    return Path(spec.origin) if spec.origin and spec.has_location else None


def _spec(module: str) -> ModuleSpec | None:
    """The spec of a module. Unlike importlib's `find_spec`, this does not import its package."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        # Any other way to ask would run a module that is loaded lazily.
        found: ModuleSpec | None = object.__getattribute__(loaded, "__spec__")
        return found
    package = module.rpartition(".")[0]
    if not package:
        return importlib.util.find_spec(module)
    above = _spec(package)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(module, above.submodule_search_locations)


@cache
def read(path: Path, package: str) -> Source:
    """Read a file of `package`: what it does, and what it imports."""
    data = path.read_bytes()
    if path.suffix != ".py":
        return Source(text_digest(data), empty=False)
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{path} is not valid Python: {error}") from None
    # Not the names of the folders: an installed package may lie in a folder of another name.
    lazy = any(getattr(each, "name", "") == "__getattr__" for each in tree.body)
    without = _WithoutImports(package.split("."), lazy)
    code = meaning(without.visit(tree))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return Source(
        text_digest(code.encode()), without.empty(tree), tuple(without.imports), frozenset(names)
    )


def forget() -> None:
    """Forget what was read, for tests that change files."""
    for known in (closure, find, read):
        known.cache_clear()


class _WithoutImports(ast.NodeTransformer):
    """Takes the imports out of a syntax tree, and keeps a list of them.

    lazy: those for type checkers count too.
    """

    def __init__(self, package: list[str], lazy: bool) -> None:
        self.package = package
        self.lazy = lazy
        self.imports: list[Import] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self.imports.append(Import(alias.name, None, bound))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            around = self.package[: len(self.package) + 1 - node.level]
            base = ".".join([*around, *([node.module] if node.module else [])])
        for alias in node.names:
            name = None if alias.name == "*" else alias.name
            self.imports.append(Import(base, name, alias.asname or alias.name))

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """Leave out `if TYPE_CHECKING`."""
        name = getattr(node.test, "attr", None) or getattr(node.test, "id", "")
        if name != "TYPE_CHECKING":
            return self.generic_visit(node)
        for each in node.body if self.lazy else ():
            self.visit(each)
        without = self.generic_visit(ast.If(ast.Constant(True), [ast.Pass()], node.orelse))
        assert isinstance(without, ast.If)
        return without.orelse

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """Leave out `__all__`, a list of names."""
        is_all = [getattr(target, "id", "") for target in node.targets] == ["__all__"]
        return None if is_all else self.generic_visit(node)

    @staticmethod
    def empty(tree: ast.Module) -> bool:
        """Whether only docstrings are left."""
        return all(
            isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
            for each in tree.body
        )
