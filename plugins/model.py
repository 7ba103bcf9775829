"""A finished model, as it is: a released or own checkpoint beside what the run trains.

    --methods npo,model:path=FOLDER_OR_ID:label=theirs
    --methods model:path=FOLDER_OF_CHECKPOINTS            a row for each

It is asked what every model is asked, and ranked beside the methods that the run trains.
"""

from __future__ import annotations

from typing import Any

from suite import FinishedModel, Method, hookimpl


class Model(FinishedModel):
    """A finished model, measured without training."""

    name = "model"


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [Model]
