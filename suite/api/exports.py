"""What a benchmark declares of other tools' files, where a format has names of its own for metrics.

    exports = (OpenUnlearning("TOFU", (ItemTable("forget_Q_A_ROUGE", "forget", "rougeL_recall"),)),)

`suite export` writes these files from results.json and the answers, without the benchmark. The
formats `csv` and `lm-eval` hold any run and need no declaration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from suite.api.cells import Closed


@dataclass(frozen=True)
class ItemTable(Closed):
    """The values of one item score on one evaluation set, and their mean."""

    name: str
    """What the file calls it, e.g. "forget_Q_A_ROUGE"."""
    set: str
    metric: str
    """The item score whose mean is `agg_value`."""
    field: str = "score"
    """What the file calls an item's value."""
    log_of: str = ""
    """An item score that is the logarithm of the value to write in place of `metric`. It is written
    too, as log_<field>, because the value may overflow."""


@dataclass(frozen=True)
class OpenUnlearning(Closed):
    """Files of open-unlearning: <prefix>_EVAL.json and <prefix>_SUMMARY.json."""

    prefix: str
    """Letters, digits, "_" and "-"."""
    tables: tuple[ItemTable, ...]
    aggregates: tuple[str, ...] = ()
    """Metrics of the cell that are written under their own names, without items."""
    format: Literal["open-unlearning"] = field(default="open-unlearning", kw_only=True)

    @property
    def is_safe(self) -> bool:
        """Whether the prefix can begin the name of a file, wherever it came from."""
        return re.fullmatch(r"[A-Za-z0-9_-]+", self.prefix) is not None


Export = OpenUnlearning
"""Every format that needs a declaration."""
