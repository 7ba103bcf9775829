"""Tools for plugins that look into a model, train in a way of their own, or run another program on
it.

Import this inside functions: it loads torch.
"""

from __future__ import annotations

from suite.engines.endpoint import Endpoint
from suite.engines.kinds import check_kinds
from suite.engines.vllm.engine import DEFAULTS as VLLM_ENVIRONMENT
from suite.engines.vllm.engine import LONGEST, context_of, options_for
from suite.engines.vllm.engine import installed as vllm_installed
from suite.judges.alpaca_eval import (
    DIFFICULTY_TERM,
    LENGTH_TERM,
    known_difficulties,
    read_annotations,
    read_difficulties,
    summary,
)
from suite.model.activations import layer_output
from suite.model.batch import TextBatch, collate
from suite.model.chat import steady
from suite.model.encoding import unknown_ids
from suite.model.folder import load_model, load_tokenizer, quiet, save_model
from suite.model.hardware import pick_device
from suite.model.logprobs import decoder_of, head_of
from suite.model.reference import References, by_length
from suite.model.reward_model import ACCURACY, HEAD, rewards
from suite.stages.base_model import locate
from suite.stages.handles import folder_of
from suite.train.sampling import micro_batches

__all__ = [
    "ACCURACY",
    "DIFFICULTY_TERM",
    "HEAD",
    "LENGTH_TERM",
    "LONGEST",
    "VLLM_ENVIRONMENT",
    "Endpoint",
    "References",
    "TextBatch",
    "by_length",
    "check_kinds",
    "collate",
    "context_of",
    "decoder_of",
    "folder_of",
    "head_of",
    "known_difficulties",
    "layer_output",
    "load_model",
    "load_tokenizer",
    "locate",
    "micro_batches",
    "options_for",
    "pick_device",
    "quiet",
    "read_annotations",
    "read_difficulties",
    "rewards",
    "save_model",
    "steady",
    "summary",
    "unknown_ids",
    "vllm_installed",
]
