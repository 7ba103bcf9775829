"""The stage `base`: the embedded model's random or packaged weights, or a model brought to the form
of a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.stages import builds
from suite.model import folder as models

if TYPE_CHECKING:
    from suite.api.stages import Host
    from suite.store import Build


@builds("base")
def make_base(build: Build, host: Host) -> None:
    """Write the model folder that everything starts from."""
    from suite.model.adapters import import_adapters
    from suite.model.chat import keep_date

    if build.spec["model"] == "tiny":
        _write_tiny(build)
        return
    source = Path(build.resources["source"])
    pad_token, template = build.spec["pad_token"], build.spec["template"]
    with host.progress.task(f"import {source.name}", 1) as bar:
        if base := build.resources.get("base"):
            import_adapters(source, Path(base), build.out, pad_token, template)
        else:
            models.import_base(source, build.out, pad_token, template)
        keep_date(build.out, build.spec["date"])
        bar.advance()


def _write_tiny(build: Build) -> None:
    """Write the embedded model, with random weights of a seed or the packaged ones."""
    from suite.tiny.model import initial_model
    from suite.tiny.packaged import checked_folder
    from suite.tiny.tokenizer import build as build_tokenizer

    tokenizer = build_tokenizer()
    model = initial_model(tokenizer, build.spec.get("seed", 0))
    if "weights" in build.spec:
        models.load_weights(model, checked_folder(build.spec["weights"]))
    models.save_model(model, tokenizer, build.out)
