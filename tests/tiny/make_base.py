"""Make the packaged weights of `tiny` again: pretrain it from scratch, as a run would.

python -m tests.tiny.make_base              into suite/tiny/base, minutes on one core
python -m tests.tiny.make_base FOLDER       elsewhere, to compare
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from suite.cli.progress import RichProgress
from suite.config import resolve
from suite.model import hardware
from suite.plan.build import build_plan
from suite.registry import Registry
from suite.run.kinds import open_context
from suite.stages.context import Context
from suite.stages.handles import part_of
from suite.store import Stage, digest, file_digest
from suite.tiny.packaged import FOLDER, RECIPE, WEIGHTS, recipe_of


def pretraining(store: Path) -> tuple[Context, Stage]:
    """The pretraining of a run with the default settings: nothing is computed yet."""
    registry = Registry.load()
    flags = {"methods": "ga", "bench": "tofu", "pretraining": "scratch", "device": "cpu"}
    flags["store"] = str(store)
    context = open_context(resolve(registry, None, flags, [], {}), registry, RichProgress())
    planned = build_plan(context)
    (stage,) = (stage for stage in planned.stages() if stage.label == "pretrain tiny")
    return context, stage


def make(folder: Path) -> None:
    """Pretrain `tiny`; leave its weights and their recipe in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as store:
        context, stage = pretraining(Path(store))
        hardware.set_threads("tiny")
        made = context.store.ensure(stage)
        last = stage.spec["train"]["epochs"]  # type: ignore[index, call-overload]
        shutil.copyfile(made / part_of(last) / WEIGHTS, folder / WEIGHTS)
        steps = len((made / "log.jsonl").read_text().splitlines())
        content = {**described(stage, folder / WEIGHTS), "steps": steps}
    (folder / RECIPE).write_text(json.dumps(content, indent=2) + "\n")


def described(stage: Stage, weights: Path) -> dict[str, Any]:
    """What recipe.json says of the weights that a pretraining left."""
    recipe = recipe_of(stage)
    return {
        "recipe": recipe,
        "recipe_sha256": digest(recipe),
        "weights_sha256": file_digest(weights),
        "made_with": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "torch": torch.__version__,
            "transformers": version("transformers"),
            "tokenizers": version("tokenizers"),
        },
    }


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
