"""Methods that are a model which is there already: a finished checkpoint, measured beside others.

class Model(FinishedModel):
    name = "model"

--methods npo,model:path=FOLDER:label=theirs
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from suite.api.batch import Batch, Policy
from suite.api.method import Method
from suite.api.step import LossOutput
from suite.core.errors import UserError
from suite.core.places import FileOrName

FINISHED = "finished"
"""The family of finished models. They are compared as they are: no other run of theirs is drawn."""


@dataclass(frozen=True)
class FinishedConfig:
    """Which model."""

    path: FileOrName = ""
    """Hub id (owner/name@revision), folder, .gguf file or adapter folder. Of a folder that holds
    model folders, each is a row. Must be given."""
    label: str = ""
    """What the table calls it; empty: the last part of its path."""


class FinishedModel(Method[FinishedConfig]):
    """Base class of finished models: nothing is trained, and the model is asked as it is."""

    family = FINISHED
    roles: ClassVar[frozenset[str]] = frozenset()
    trains = False
    Config = FinishedConfig

    def __init__(self, config: FinishedConfig) -> None:
        super().__init__(config)
        if not config.path:
            raise UserError(
                f"{self.name}.path is not set: name a model, e.g. {self.name}:path=FOLDER"
            )

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Never called by the host."""
        raise UserError(f"{self.name} trains nothing, so it has no loss")
