"""A real HTTP server on loopback that speaks OpenAI's protocol, answers from a model folder, and
misbehaves on demand.

    with OpenAIServer(FolderModel(folder)) as server:
        server.faults += [rate_limited(0.2), broken()]      the next two requests, in this order
        ... base_url=server.url ...
    server.seen                                             every request: path, key, body

Any object with `complete(body)` and `chat(body)`, which return the `choices` of an answer, can
stand for the model.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

Body = dict[str, Any]


class Served(Protocol):
    """What answers."""

    def complete(self, body: Body) -> list[Body]: ...

    def chat(self, body: Body) -> list[Body]: ...


@dataclass(frozen=True)
class Fault:
    """What becomes of one request. Without status and content the model answers after all."""

    status: int = 200
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    drip: float = 0.0
    """Seconds between two bytes of the body."""
    change: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the answer that are replaced, e.g. {"model": "another"}."""
    hang_up: int | None = None
    """Bytes of the body that are sent before the connection is reset; -1: not even a status."""


def rate_limited(after: float | str) -> Fault:
    """429, with Retry-After: seconds, a date, or what some servers make of it."""
    return Fault(429, _error("slow down"), {"Retry-After": str(after)})


def broken(status: int = 500, message: str = "internal error") -> Fault:
    """An error; by default one that is worth another try."""
    return Fault(status, _error(message))


def slow(seconds: float) -> Fault:
    """The right answer, late."""
    return Fault(seconds=seconds)


def dripping(seconds: float) -> Fault:
    """The right answer, byte by byte, so that no single read takes long."""
    return Fault(drip=seconds)


def garbage(content: bytes = b'{"choices": [{"te') -> Fault:
    """Status 200 with a body that is not what the protocol says."""
    return Fault(content=content)


def changed_model(name: str) -> Fault:
    """The right answer, but it says that another model gave it."""
    return Fault(change={"model": name})


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "error", "code": None}}).encode()


class OpenAIServer:
    """Serves one model under one name; `seen` and `most_at_once` tell what was asked of it."""

    def __init__(self, served: Served, name: str = "served-model", key: str | None = None) -> None:
        self.served, self.name, self.key = served, name, key
        self.faults: list[Fault] = []
        self.rest = Fault()
        """What becomes of the requests after those in `faults`."""
        self.seen: list[tuple[str, str, Body]] = []
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self})
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> OpenAIServer:
        threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def arrive(self, path: str, key: str, body: Body) -> Fault:
        """Note a request; return what shall become of it."""
        with self._lock:
            self.seen.append((path, key, body))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            if path == "/v1/models":
                return Fault()
            return self.faults.pop(0) if self.faults else self.rest

    def leave(self) -> None:
        with self._lock:
            self._at_once -= 1

    def answer(self, path: str, key: str, body: Body) -> tuple[int, bytes]:
        """Status and body of a request that meets no fault."""
        if self.key is not None and key != f"Bearer {self.key}":
            return 401, _error(f"Incorrect API key provided: {key.removeprefix('Bearer ')}")
        if path == "/v1/models":
            return 200, json.dumps(
                {"object": "list", "data": [{"id": self.name, "object": "model"}]}
            ).encode()
        kinds = {"/v1/completions": "text_completion", "/v1/chat/completions": "chat.completion"}
        if path not in kinds:
            return 404, _error(f"no such path: {path}")
        if body.get("model") != self.name:
            return 404, _error(f"the model {body.get('model')!r} does not exist")
        choices = self.served.chat(body) if "chat" in path else self.served.complete(body)
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        content = {
            "id": "1",
            "object": kinds[path],
            "created": 1,
            "model": self.name,
            "usage": usage,
        }
        return 200, json.dumps(content | {"choices": choices}).encode()


class _Handler(BaseHTTPRequestHandler):
    owner: OpenAIServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, body: Body) -> None:
        key = self.headers.get("Authorization", "")
        fault = self.owner.arrive(self.path, key, body)
        try:
            time.sleep(fault.seconds)
            status, content = (
                (fault.status, fault.content)
                if fault.content is not None
                else self.owner.answer(self.path, key, body)
            )
            if fault.change:
                content = json.dumps(json.loads(content) | dict(fault.change)).encode()
        finally:
            self.owner.leave()
        if fault.hang_up == -1:
            self._reset()
            return
        self._send(status, content[: fault.hang_up], len(content), fault)
        if fault.hang_up is not None:
            self._reset()

    def _reset(self) -> None:
        """End the connection as a crashed server does: without the end of what was promised."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _send(self, status: int, content: bytes, length: int, fault: Fault) -> None:
        headers, drip = fault.headers, fault.drip
        try:
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": length,
                **headers,
            }.items():
                self.send_header(name, str(value))
            self.end_headers()
            for place in range(len(content)) if drip else ():
                self.wfile.write(content[place : place + 1])
                time.sleep(drip)
            self.wfile.write(b"" if drip or status == 204 else content)
            self.wfile.flush()
        except OSError:  # the client has gone: it waits no longer than it said
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class FolderModel:
    """A causal language model of transformers, one sequence at a time: the plainest server there
    can be.

    `prompt_logprobs=False`: like the many servers that ignore `echo`.
    """

    def __init__(self, folder: Path, prompt_logprobs: bool = True) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder).eval()
        self.prompt_logprobs = prompt_logprobs
        self._lock = threading.Lock()

    def complete(self, body: Body) -> list[Body]:
        texts = self._generate(body["prompt"], body["max_tokens"], body)
        given = self._echoed(body["prompt"]) if body.get("echo") and self.prompt_logprobs else None
        return [
            {"index": i, "logprobs": given, "text": t, "finish_reason": end}
            for i, (t, end) in enumerate(texts)
        ]

    def chat(self, body: Body) -> list[Body]:
        head = self.tokenizer.apply_chat_template(
            body["messages"], tokenize=False, add_generation_prompt=True
        )
        ids = self.tokenizer(head, add_special_tokens=False)["input_ids"]
        texts = self._generate(ids, body["max_completion_tokens"], body)
        return [
            {"index": i, "message": {"role": "assistant", "content": t}, "finish_reason": end}
            for i, (t, end) in enumerate(texts)
        ]

    def _generate(self, ids: list[int], limit: int, body: Body) -> list[tuple[str, str]]:
        import torch

        sampling = (
            {"do_sample": True, "temperature": body["temperature"]}
            if body.get("temperature")
            else {"do_sample": False}
        )
        with self._lock, torch.no_grad():
            torch.manual_seed(body.get("seed", 0))
            rows = self.model.generate(
                torch.tensor([ids]), max_new_tokens=limit, num_return_sequences=body.get("n", 1),
                pad_token_id=self.tokenizer.pad_token_id, **sampling,
            )[:, len(ids) :].tolist()  # fmt: skip
        eos = self.tokenizer.eos_token_id
        return [
            (self.tokenizer.decode(r, skip_special_tokens=True), "stop" if eos in r else "length")
            for r in rows
        ]

    def _echoed(self, ids: list[int]) -> Body:
        """Log-probabilities of the prompt's tokens, the first unknown, as servers give them for
        `echo`."""
        import torch

        with self._lock, torch.no_grad():
            logps = self.model(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        values, best = logps[range(len(ids) - 1), ids[1:]].tolist(), logps.max(-1)
        top = [
            {f"token {t}": v, f"token {b}": m}
            for t, v, b, m in zip(ids[1:], values, best.indices, best.values.tolist(), strict=False)
        ]
        return {
            "tokens": [f"token {t}" for t in ids],
            "token_logprobs": [None, *values],
            "top_logprobs": [None, *top],
        }
