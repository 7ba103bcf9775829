"""The small form of results.json loses nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from suite.results.compact import compact, expanded

VALUES = st.one_of(st.none(), st.floats(allow_nan=False))
POINTS = st.fixed_dictionaries(
    {
        "epoch": st.floats(0, 9),
        "step": st.integers(0, 99),
        "metrics": st.dictionaries(st.text(max_size=3), VALUES, max_size=4),
    }
)


@given(st.lists(POINTS, max_size=5))
def test_a_course_comes_back(points: list[dict[str, Any]]) -> None:
    cell = {"trajectory": points, "metrics": [], "best": None}
    small = compact({"cells": [cell]})
    assert isinstance(small["cells"][0]["trajectory"], dict)
    assert expanded(small)["cells"][0]["trajectory"] == points


def test_a_metric_keeps_what_differs_from_its_defaults() -> None:
    metric = {"name": "kl", "value": None, "higher_is_better": False, "unit": "", "n": 3}
    cell = {"trajectory": [], "metrics": [{**metric, "ci_low": None, "note": "why"}], "best": None}
    (kept,) = compact({"cells": [cell]})["cells"][0]["metrics"]
    assert kept == {"name": "kl", "value": None, "higher_is_better": False, "n": 3, "note": "why"}


def test_an_older_form_and_nonsense_are_left_to_the_reader() -> None:
    for content in ({"cells": [{"trajectory": []}]}, {"cells": 3}, {"cells": ["x"]}, {}, 7):
        assert expanded(content) == content
    uneven = {"cells": [{"trajectory": {"epoch": [1], "step": [], "metrics": {}}}]}
    assert expanded(uneven) == uneven


def test_a_file_without_attacks_does_not_mention_them() -> None:
    """Programs that know no attacks read it."""
    tables = [{"robustness": None}, {"robustness": {"found": []}}]
    small = compact({"cells": [], "comparisons": tables})
    assert small["comparisons"] == [{}, {"robustness": {"found": []}}]
