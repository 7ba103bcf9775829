"""What a benchmark declares of pictures, columns and exports is checked when its plugin loads."""

from __future__ import annotations

from typing import Any

import pytest

from suite.api.benchmark import Benchmark
from suite.api.exports import ItemTable, OpenUnlearning
from suite.api.pictures import Bars, Frontier, MetricColumn, Tradeoff
from suite.registry import Registry
from suite.registry.outputs import check_outputs, outputs_of
from suite.results.outputs import Outputs

EXPORT = OpenUnlearning("TOFU", (ItemTable("forget_Q_A_ROUGE", "forget", "rougeL_recall"),))


def declaring(**attributes: Any) -> type[Benchmark[Any]]:
    """A benchmark class with these declarations."""
    return type("Mine", (Benchmark,), {"primary": ("quality", "utility"), **attributes})


def test_what_every_built_in_benchmark_declares_is_accepted() -> None:
    for cls in Registry.load().benchmarks():
        check_outputs(cls)


def test_declarations_are_collected() -> None:
    column = MetricColumn("quality_D", below="quality")
    cls = declaring(pictures=(Tradeoff(),), columns=(column,), exports=(EXPORT,))
    check_outputs(cls)
    assert outputs_of(cls) == Outputs((Tradeoff(),), (column,), (EXPORT,))
    assert outputs_of(declaring()) == Outputs()


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"pictures": Tradeoff()}, r"Mine\.pictures must be a tuple"),
        ({"pictures": ("frontier",)}, "it may hold Tradeoff, Trajectory, .*Bars"),
        ({"pictures": (Bars({"a": 1}),)}, r"Mine\.pictures: Bars\.bars\.a: .*valid string"),  # type: ignore[dict-item]
        ({"pictures": (Frontier("kl", None),)}, r"Frontier\.y"),  # type: ignore[arg-type]
        ({"columns": (Tradeoff(),)}, "it may hold MetricColumn"),
        (
            {"columns": (MetricColumn("quality", below="utility"),)},
            "'quality' is a headline metric",
        ),
        (
            {"columns": (MetricColumn("d", below="qualty"),)},
            "'d' stands below 'qualty', which is no headline metric",
        ),
        ({"exports": ("open-unlearning",)}, "it may hold OpenUnlearning"),
        ({"exports": (OpenUnlearning("../x", ()),)}, "cannot begin the name of a file"),
    ],
)
def test_mistakes_are_refused(attributes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        check_outputs(declaring(**attributes))
