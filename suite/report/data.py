"""What a benchmark reads in a folder: files, rows, clusters, lengths, overlaps, what is missing.

    described(benchmark, source, "words")  ->  {"files": [...], "trained": [...], "asked": [...],
                                                "overlaps": [...], "without": [...], "notes": [...]}

The benchmark reads the folder as it does in a run, so what it refuses there is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

from suite.api.benchmark import TextBenchmark
from suite.api.data import BenchmarkData, Given, Message, Pair, Source, Tokens
from suite.api.files import DataFile
from suite.core.errors import UserError
from suite.tables import find_table, shape, table_names

_WORD = re.compile(r"\S+")


class Words:
    """Stands for a tokenizer where no model is named: a token is what stands between spaces."""

    context = 2**30

    def ends(self, text: str) -> Sequence[int]:
        """Where each word ends."""
        return [match.end() for match in _WORD.finditer(text)]


@dataclass(frozen=True)
class Text:
    """One text that is trained on or asked about."""

    id: str
    """Of the training row or the item."""
    prompt: str
    completion: str
    cluster: str

    @property
    def key(self) -> str:
        """The same for the same text; upper case and spaces do not count."""
        return " ".join(f"{self.prompt}\n{self.completion}".split()).casefold()


@dataclass(frozen=True)
class Texts:
    """The texts of a training role or an evaluation set."""

    name: str
    rows: int
    texts: Sequence[Text]


def described(benchmark: TextBenchmark[Any], source: Source, unit: str) -> dict[str, Any]:
    """All of it, as JSON. `unit`: what `source.tokens` counts. UserError: the data are refused."""
    assert source.tokens is not None
    data = benchmark.load(source)
    trained = list(_trained(data))
    asked = list(_asked(benchmark, data))
    found: dict[str, Any] = {
        "benchmark": benchmark.name,
        "revision": data.revision,
        "unit": unit,
        "files": [],
        "trained": [_shape_of(part, source.tokens) for part in trained],
        "asked": [_shape_of(part, source.tokens) for part in asked],
        "overlaps": list(_overlaps(trained, asked)),
        "without": [],
        "notes": list(data.notes),
    }
    path = Path(source.data or "")
    if source.data and path.is_dir():
        found["files"] = [_file(benchmark.data_files, path, name) for name in table_names(path)]
        found["without"] = list(_without(benchmark.data_files, table_names(path)))
    elif source.data and path.is_file():
        found["files"] = [{"file": path.name, **asdict(shape(path)), "holds": ""}]
    return found


def formats(benchmark: TextBenchmark[Any]) -> list[dict[str, Any]]:
    """The files that a benchmark reads. UserError: it declares none."""
    if not benchmark.data_files:
        raise UserError(f"benchmark {benchmark.name!r} does not say which files it reads")
    return [asdict(file) for file in benchmark.data_files]


def _file(files: Sequence[DataFile], folder: Path, name: str) -> dict[str, Any]:
    """One table of the folder."""
    path = find_table(folder, name)
    holds = next((file.holds for file in files if file.is_called(name)), "not read")
    return {"file": path.name, **asdict(shape(path)), "holds": holds}


def _without(files: Sequence[DataFile], tables: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The optional files that are not there, and the metrics that have no value for it."""
    for file in files:
        if file.without and not any(file.is_called(table) for table in tables):
            yield {"file": file.name, "metrics": list(file.without)}


def _trained(data: BenchmarkData) -> Iterator[Texts]:
    for role, given in data.roles.items():
        yield Texts(role, len(given), list(_of_rows(given)))


def _of_rows(given: Given) -> Iterator[Text]:
    """A row is one text, a pair two."""
    for row in given:
        answers = (row.chosen, row.rejected) if isinstance(row, Pair) else (row.completion,)
        for answer in answers:
            yield Text(row.id, _joined(row.prompt), answer, row.cluster or row.id)


def _asked(benchmark: TextBenchmark[Any], data: BenchmarkData) -> Iterator[Texts]:
    """What is asked about the items of each set; the id of a request is "<item id>/<what>"."""
    texts: dict[str, list[Text]] = {name: [] for name in data.sets}
    clusters = {
        item["id"]: item.get("cluster", "")
        for items in data.sets.values()
        for item in items
        if "id" in item
    }
    for request in benchmark.requests(data):
        name = request.id.partition("/")[0]
        item = "/".join(request.id.split("/")[:2])
        cluster = clusters.get(item) or item
        text = Text(item, _joined(request.prompt), request.expected, cluster)
        texts.setdefault(name, []).append(text)
    for name, found in texts.items():
        if found:
            yield Texts(name, len(data.sets.get(name, found)), found)


def _joined(prompt: Sequence[Message]) -> str:
    return "\n".join(message.content for message in prompt)


def _shape_of(part: Texts, tokens: Tokens) -> dict[str, Any]:
    """Rows, clusters and lengths; a length is that of prompt and completion together."""
    lengths = [len(tokens.ends(t.prompt)) + len(tokens.ends(t.completion)) for t in part.texts]
    return {
        "name": part.name,
        "rows": part.rows,
        "clusters": len({text.cluster for text in part.texts}),
        "texts": len(part.texts),
        "shortest": min(lengths, default=0),
        "median": median(lengths) if lengths else 0,
        "longest": max(lengths, default=0),
    }


def _overlaps(trained: Sequence[Texts], asked: Sequence[Texts]) -> Iterator[dict[str, Any]]:
    """Texts that are trained on or asked about in two places.

    A set that is asked about what the role of its name trains on is no overlap.
    """
    named = [(f"trained: {part.name}", part) for part in trained]
    named += [(f"asked: {part.name}", part) for part in asked]
    for (shown, one), (other_shown, other) in combinations(named, 2):
        if one.name != other.name and (number := _shared(one, other)):
            yield {"between": [shown, other_shown], "texts": number}


def _shared(one: Texts, other: Texts) -> int:
    """How many texts of the first the other has too; one row that serves in both does not count."""
    known: dict[str, set[str]] = {}
    for text in other.texts:
        if text.completion:
            known.setdefault(text.key, set()).add(text.id)
    return sum(bool(known.get(text.key, set()) - {text.id}) for text in one.texts)
