"""The process that vLLM lives in. It reads what to do from a socket and answers there.

`suite.engines.vllm.child` starts it. The messages:

{"op": "start", "options": {...}, "known": [...]}   vLLM starts with these options
{"op": "load", "folder": "...", "known": [...]}     other weights of the same architecture
{"op": "answer", "items": [...]}        one reply an item, as they end: texts, or log-probabilities
{"op": "sleep"}                         give the GPU's memory back until the next load

known: the ids that are tokens, where the model's vocabulary is padded beyond them; [] where it is
not. No text has any other.
"""

from __future__ import annotations

import socket
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from suite.core.parent import die_with
from suite.engines.vllm.messages import receive, send


class Worker:
    """Answers with one vLLM engine. Each method is an `op`; what it yields is sent back."""

    def __init__(self) -> None:
        self.llm: Any = None
        self.asleep = False
        self.known: list[int] = []

    def start(self, options: dict[str, Any], known: list[int]) -> Iterator[dict[str, Any]]:
        """Start vLLM on the options' model."""
        from vllm import LLM

        self.known = known
        self.llm = LLM(**options)
        yield {"done": True}

    def load(self, folder: str, known: list[int]) -> Iterator[dict[str, Any]]:
        """Read other weights into the running engine; forget what the old ones left in the
        cache."""
        self.known = known
        if self.asleep:
            self.llm.wake_up(tags=["weights"])
        self.llm.collective_rpc("reload_weights", kwargs={"weights_path": folder})
        self.llm.apply_model(pack_tied_head)
        if self.asleep:
            self.llm.wake_up(tags=["kv_cache"])
            self.asleep = False
        if not self.llm.reset_prefix_cache():
            raise RuntimeError("the prefix cache could not be emptied")
        yield {"done": True}

    def sleep(self) -> Iterator[dict[str, Any]]:
        """Drop weights and cache; `load` brings both back."""
        if not self.asleep:
            self.llm.sleep(level=2)
            self.asleep = True
        yield {"done": True}

    def _sampling(self, item: dict[str, Any]) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            detokenize=False, output_kind=RequestOutputKind.FINAL_ONLY, **sampling(item, self.known)
        )

    def answer(self, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Answer all items together; yield each as it ends."""
        engine = self.llm.llm_engine
        for index, item in enumerate(items):
            engine.add_request(str(index), {"prompt_token_ids": item["ids"]}, self._sampling(item))
        while engine.has_unfinished_requests():
            for output in engine.step():
                if output.finished:
                    index = int(output.request_id)
                    read = likelihood if "scored" in items[index] else texts
                    yield {"index": index, **read(output, items[index])}
        yield {"done": True}


def pack_tied_head(model: Any) -> None:
    """Pack the weights of a tied output embedding anew.

    On the CPU vLLM multiplies with packed copies of the weights. A tied output embedding has no
    weights of its own in the checkpoint, so `reload_weights` leaves its packed copy as it was (seen
    in 0.32).
    """
    if model.config.tie_word_embeddings:
        model.lm_head.quant_method.process_weights_after_loading(model.lm_head)


def sampling(item: dict[str, Any], known: list[int]) -> dict[str, Any]:
    """vLLM's parameters of one item: a text to score, or a prompt to go on from."""
    if "scored" in item:
        # By default vLLM does not read a cached prefix where log-probabilities of a prompt are
        # wanted. Here it does; `likelihood` says which values are then missing.
        return {
            "max_tokens": 1,
            "temperature": 0.0,
            "prompt_logprobs": 0,
            "skip_reading_prefix_cache": item["fresh"],
        }
    names = ("max_tokens", "temperature", "n", "seed", "stop_token_ids")
    chosen = {name: item[name] for name in names}
    return chosen | ({"allowed_token_ids": known} if known else {})


def likelihood(output: Any, item: dict[str, Any]) -> dict[str, Any]:
    """Log-probability and rank of each scored token.

    The first `missing` ones lie in a cached prefix, which was not computed.
    """
    ids = item["ids"]
    start = len(ids) - item["scored"]
    # A cached token has no output, so the token after it has no value either.
    missing = max(0, output.num_cached_tokens - start + 1)
    logps: list[float] = []
    ranks: list[int] = []
    for place in range(start + missing, len(ids)):
        found = output.prompt_logprobs[place][ids[place]]
        logps.append(found.logprob)
        ranks.append(found.rank)
    return {"missing": missing, "logps": logps, "ranks": ranks}


def texts(output: Any, item: dict[str, Any]) -> dict[str, Any]:
    """Token ids of each text, and whether it ended by itself."""
    texts: list[list[int]] = []
    ended: list[bool] = []
    for each in sorted(output.outputs, key=lambda each: each.index):
        texts.append(list(each.token_ids))
        ended.append(each.finish_reason == "stop")
    return {"texts": texts, "ended": ended}


def serve(connection: socket.socket) -> None:
    """Do what arrives until the other end is gone."""
    worker = Worker()
    while message := receive(connection):
        number = message.pop("number")
        try:
            for reply in getattr(worker, message.pop("op"))(**message):
                send(connection, {"number": number, **reply})
        except OSError:  # the other end is gone: nobody could be told
            raise
        except Exception as error:
            traceback.print_exc()
            send(connection, {"number": number, "error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    # The engine runs in this very process (see `suite.engines.vllm.engine.ENVIRON`), so nothing
    # else has to be ended.
    die_with(int(sys.argv[2]))
    serve(socket.socket(fileno=int(sys.argv[1])))
