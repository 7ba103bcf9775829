"""What a reader needs to build the results again: settings, versions, plugins; no times, no
paths."""

from __future__ import annotations

import platform
from dataclasses import asdict, replace
from importlib import metadata

from suite.config import seeds_of
from suite.config.places import without_folders
from suite.core.places import model_name
from suite.results.schema import Run
from suite.settings import RunConfig
from suite.stages.context import Context
from suite.store import jsonable

LIBRARIES = (
    "torch", "transformers", "tokenizers", "datasets", "peft", "bitsandbytes",
    "numpy", "scipy", "rouge-score", "suite-compare",
)  # fmt: skip


def describe_run(context: Context, command: str) -> Run:
    """Everything that a reader needs to build the results again; no times, no paths."""
    config = context.config
    data = config.data and model_name(config.data)
    own = without_folders(config, context.registry)
    # Where a run writes, and who computes it, does not change what it finds.
    plain = replace(own, out="", store=None, executor=RunConfig.executor)
    shown = jsonable(asdict(replace(plain, model=model_name(config.model), data=data)))
    assert isinstance(shown, dict)
    loaded = [each for each in context.registry.plugins() if each.status == "ok" or each.provides]
    plugins = {each.distribution: each.version for each in loaded}
    seeds = seeds_of(config, context.registry)
    return Run(
        command,
        context.engine_name,
        context.dtype,
        config.template,
        context.device,
        seeds,
        shown,
        versions(),
        plugins,
        start_seeds=config.start_seeds,
    )


def versions() -> dict[str, str]:
    """Of Python and of the libraries that compute."""
    installed = {
        d.metadata["Name"].lower(): d.version
        for d in metadata.distributions()
        if d.metadata["Name"]
    }
    return {"python": platform.python_version()} | {
        n: installed[n] for n in LIBRARIES if n in installed
    }
