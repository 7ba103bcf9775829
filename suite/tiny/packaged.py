"""The pretrained weights of `tiny` that come with the package, so that a first run need not wait
for them.

    suite/tiny/base/model.safetensors    float32, exactly as the pretraining leaves them
    suite/tiny/base/recipe.json          what made them, with the digests of both

`python -m tests.tiny.make_base` makes them again. They stand for one recipe only: a run whose
pretraining would be another one (another seed, template, precision, corpus, ...) trains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from suite.core.errors import CorruptError
from suite.store import Json, Stage, digest, file_digest, read_json
from suite.tiny.model import SIZES

FOLDER = Path(__file__).parent / "base"
WEIGHTS, RECIPE = "model.safetensors", "recipe.json"


@dataclass(frozen=True)
class Packaged:
    """What recipe.json says."""

    recipe: str
    """Digest of the recipe."""
    weights: str
    """SHA-256 of the file of weights."""


def packaged() -> Packaged:
    """Read which recipe the packaged weights stand for."""
    content = read_json(FOLDER / RECIPE)
    return Packaged(content["recipe_sha256"], content["weights_sha256"])


def recipe_of(pretraining: Stage) -> dict[str, Json]:
    """All that decides the weights which a pretraining leaves, except its code and the machine:
    seed, corpus, steps, architecture."""
    training = {name: value for name, value in pretraining.spec.items() if name != "source"}
    return {
        "sizes": SIZES,
        "vocabulary": _vocabulary(),
        "initial": dict(pretraining.inputs["start"].spec),
        "training": training,
    }


@cache
def _vocabulary() -> str:
    """Digest of the tokens in the order of their ids."""
    from suite.tiny.tokenizer import cutter

    tokens: list[tuple[str, int]] = sorted(cutter().get_vocab().items(), key=lambda item: item[1])
    return digest([token for token, _ in tokens])


def checked_folder(weights: str) -> Path:
    """The folder of the packaged weights. CorruptError: their SHA-256 is not `weights`."""
    file = FOLDER / WEIGHTS
    if file_digest(file) != weights:
        raise CorruptError(f"{file}: not the weights that {RECIPE} names; install the suite again")
    return FOLDER
