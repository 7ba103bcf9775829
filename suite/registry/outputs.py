"""What a benchmark declares of pictures, columns and exports: collected, and checked when it loads.

The check is made then because a report is written last: a mistake would show after hours.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, get_args

from suite.api.benchmark import Benchmark
from suite.api.exports import Export
from suite.api.pictures import MetricColumn, Picture
from suite.results.outputs import Outputs

KINDS: dict[str, tuple[type[Any], ...]] = {
    "pictures": get_args(Picture),
    "columns": (MetricColumn,),
    "exports": (Export,),
}
"""Attribute of a benchmark -> the classes that it may hold."""


def outputs_of(benchmark: Benchmark[Any] | type[Benchmark[Any]]) -> Outputs:
    """Collect what a benchmark declares."""
    return Outputs(benchmark.pictures, benchmark.columns, benchmark.exports)


def check_outputs(cls: type[Benchmark[Any]]) -> None:
    """Refuse what the report does not know, fields of another type, and columns without a place."""
    for attribute, kinds in KINDS.items():
        declared = getattr(cls, attribute)
        where = f"{cls.__name__}.{attribute}"
        if not isinstance(declared, tuple):
            raise TypeError(f"{where} must be a tuple, not {declared!r}")
        # What a class does not override needs no check, nor the time that it takes.
        for each in declared if declared != getattr(Benchmark, attribute) else ():
            if type(each) not in kinds:
                known = ", ".join(kind.__name__ for kind in kinds)
                raise TypeError(f"{where} holds {each!r}; it may hold {known}")
            _check_fields(each, where)
    for column in cls.columns:
        _check_place(column, cls)
    for export in cls.exports:
        if not export.is_safe:
            raise TypeError(
                f"{cls.__name__}.exports: {export.prefix!r} cannot begin the name of a file"
            )


def _check_fields(declared: Any, where: str) -> None:
    """Refuse fields that results.json could not keep."""
    from pydantic import TypeAdapter, ValidationError

    name = type(declared).__name__
    try:
        text = json.dumps(asdict(declared))
        TypeAdapter(type(declared)).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise TypeError(f"{where}: {name}.{place}: {first['msg']}") from error


def _check_place(column: MetricColumn, cls: type[Benchmark[Any]]) -> None:
    if column.metric in cls.primary and column.below:
        raise TypeError(
            f"{cls.__name__}.columns: {column.metric!r} is a headline metric, which has its own "
            f"column; it cannot stand below {column.below!r}"
        )
    if column.below and column.below not in cls.primary:
        raise TypeError(
            f"{cls.__name__}.columns: {column.metric!r} stands below {column.below!r}, which is "
            "no headline metric"
        )
