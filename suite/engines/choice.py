"""Which engine answers where none is named: vLLM where it is there for a GPU, else hf."""

from __future__ import annotations

from suite.core.errors import UserError

AUTO = "auto"


def pick_engine(engine: str, device: str, model: str) -> tuple[str, str]:
    """Resolve "auto"; return the engine and why it was chosen, with how to get the other, in words
    ("" if it was named)."""
    if engine != AUTO:
        return engine, ""
    if model == "tiny":
        return "hf", "tiny answers sooner than vLLM starts"
    if not device.startswith("cuda"):
        return "hf", f"the run computes on {device}; --engine vllm answers with vLLM there too"
    from suite.engines.vllm.engine import installed

    try:
        installed()
    except UserError:
        return "hf", "vLLM is not installed; pip install 'suite-compare[vllm]' for faster answers"
    return "vllm", "CUDA and vLLM are there; --engine hf answers in this process"
