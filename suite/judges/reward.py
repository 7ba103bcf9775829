"""The reward judges: the benchmark's ground truth, or a reward model (any sequence classifier with one output)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

from suite import hookimpl
from suite.errors import UserError
from suite.judges import Comparison, Judge, Verdict
from suite.judges.length import by_value
from suite.store import Json
